/**
 * Writes the smallest ONNX model there is: one node with its inputs and its output. Field numbers are those of onnx.proto
 * (ModelProto 1, 7, 8; GraphProto 1, 2, 11, 12; NodeProto 1, 2, 4, 5; AttributeProto 1, 2, 3, 8, 20).
 */
const FLOAT = 1;
const ATTRIBUTE = { float: 1, int: 2, ints: 7 };
const IR_VERSION = 8;

function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return bytes;
}

const integer = (field, value) => [...varint(field << 3), ...varint(value)];
const part = (field, bytes) => [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes];
const text = (field, value) => part(field, [...Buffer.from(value)]);
const float = (field, value) => [
  ...varint((field << 3) | 5),
  ...Buffer.from(new Float32Array([value]).buffer),
];

function attribute([name, value]) {
  if (Array.isArray(value)) {
    return [...text(1, name), ...value.flatMap((each) => integer(8, each)), ...integer(20, ATTRIBUTE.ints)];
  }
  return Number.isInteger(value)
    ? [...text(1, name), ...integer(3, value), ...integer(20, ATTRIBUTE.int)]
    : [...text(1, name), ...float(2, value), ...integer(20, ATTRIBUTE.float)];
}

function valueInfo(name, shape) {
  const dimensions = shape.flatMap((size) => part(1, integer(1, size)));
  const tensor = [...integer(1, FLOAT), ...part(2, dimensions)];
  return [...text(1, name), ...part(2, part(1, tensor))];
}

/**
 * @param {string} type of the node
 * @param {Record<string, number | number[]>} attributes whole numbers become ints, others floats
 * @param {number[][]} inputShapes of x0, x1, …
 * @param {number[]} outputShape of y
 * @param {number} opset whose definition of the node is meant
 */
export function onnxModel(type, attributes, inputShapes, outputShape, opset = 17) {
  const names = inputShapes.map((_, i) => `x${i}`);
  const node = [
    ...names.flatMap((name) => text(1, name)),
    ...text(2, 'y'),
    ...text(4, type),
    ...Object.entries(attributes).flatMap((each) => part(5, attribute(each))),
  ];
  const graph = [
    ...part(1, node),
    ...text(2, 'one node'),
    ...inputShapes.flatMap((shape, i) => part(11, valueInfo(names[i], shape))),
    ...part(12, valueInfo('y', outputShape)),
  ];
  return Uint8Array.from([
    ...integer(1, IR_VERSION),
    ...part(7, graph),
    ...part(8, [...text(1, ''), ...integer(2, opset)]),
  ]);
}

// Versions of tfjs-core ops for the native backend: each gives undefined where the stock op has to do the work.
// Stock builds random numbers and identity matrices on the host and uploads them, and knows no gradient of einsum.
import { checkEinsumDimSizes, decodeEinsumEquation } from '@tensorflow/tfjs-core/dist/backends/einsum_util';
import { ENGINE } from '@tensorflow/tfjs-core/dist/engine';
import { tidy } from '@tensorflow/tfjs-core/dist/globals';
import { add } from '@tensorflow/tfjs-core/dist/ops/add';
import { cast } from '@tensorflow/tfjs-core/dist/ops/cast';
import { matMul } from '@tensorflow/tfjs-core/dist/ops/mat_mul';
import { mul } from '@tensorflow/tfjs-core/dist/ops/mul';
import { oneHot } from '@tensorflow/tfjs-core/dist/ops/one_hot';
import { range } from '@tensorflow/tfjs-core/dist/ops/range';
import { reshape } from '@tensorflow/tfjs-core/dist/ops/reshape';
import { round } from '@tensorflow/tfjs-core/dist/ops/round';
import { sum } from '@tensorflow/tfjs-core/dist/ops/sum';
import { tile } from '@tensorflow/tfjs-core/dist/ops/tile';
import { transpose } from '@tensorflow/tfjs-core/dist/ops/transpose';
import { convertToTensor } from '@tensorflow/tfjs-core/dist/tensor_util_env';
import { assertNonNegativeIntegerDimensions, sizeFromShape } from '@tensorflow/tfjs-core/dist/util';

const onNative = () => ENGINE.backendName === 'native';

/** A 53-bit Philox key from a seed as tfjs takes it: any number or text; none or 0 draws one. */
function keyOf(seed) {
  if (!seed) return Math.floor(Math.random() * 2 ** 53);
  // FNV-1a of the text, twice with different offsets for 53 bits.
  const hash = (offset) => {
    let h = offset;
    for (const c of String(seed)) h = Math.imul(h ^ c.codePointAt(0), 0x01000193) >>> 0;
    return h;
  };
  return hash(0x811c9dc5) * 2 ** 21 + (hash(0x050c5d1f) >>> 11);
}

/** Numbers of one kernel, or undefined where the stock op must run. `stream` keeps the ops of one seed apart. */
function philox(kernel, shape, dtype, seed, stream) {
  assertNonNegativeIntegerDimensions(shape);
  if (!onNative() || (dtype !== 'float32' && dtype !== 'int32') || sizeFromShape(shape) === 0)
    return undefined;
  return ENGINE.runKernel(kernel, {}, { shape, seed: keyOf(seed), stream, counter: 0 });
}

function moved(numbers, scale, offset) {
  return scale === 1 && offset === 0 ? numbers : add(mul(numbers, scale), offset);
}

export function randomNormal(shape, mean = 0, stdDev = 1, dtype = 'float32', seed = undefined) {
  return tidy(() => {
    const numbers = philox('PhiloxNormal', shape, dtype ?? 'float32', seed, 0xf0000001);
    if (numbers === undefined) return undefined;
    const values = moved(numbers, stdDev, mean);
    return dtype === 'int32' ? cast(round(values), 'int32') : values;
  });
}

export function randomUniform(shape, minval = 0, maxval = 1, dtype = 'float32', seed = undefined) {
  return tidy(() => {
    const numbers = philox('PhiloxUniform', shape, dtype, seed, 0xf0000002);
    if (numbers === undefined) return undefined;
    const values = moved(numbers, maxval - minval, minval);
    return dtype === 'int32' ? cast(values, 'int32') : values;
  });
}

export function eye(numRows, numColumns, batchShape, dtype = 'float32') {
  const columns = numColumns ?? numRows;
  const empty = numRows === 0 || columns < 2;
  const numeric = dtype === 'float32' || dtype === 'int32' || dtype === 'bool';
  if (!onNative() || !numeric || empty || (batchShape && batchShape.length > 3)) return undefined;
  return tidy(() => {
    const one = oneHot(range(0, numRows, 1, 'int32'), columns, 1, 0, dtype);
    if (!batchShape) return one;
    const wide = reshape(one, [...batchShape.map(() => 1), numRows, columns]);
    return tile(wide, [...batchShape, 1, 1]);
  });
}

/** One operand with only the given dimensions, in their order; its other dimensions are summed. */
function arranged(x, ids, wanted) {
  const gone = ids.flatMap((id, axis) => (wanted.includes(id) ? [] : [axis]));
  const kept = ids.filter((id) => wanted.includes(id));
  const summed = gone.length === 0 ? x : sum(x, gone);
  return transpose(
    summed,
    wanted.map((id) => kept.indexOf(id)),
  );
}

/** Two operands as one batched matrix product over [dimensions of both, of the left, of the right]. */
function contraction(operands, idDims, outputs) {
  const [left, right] = idDims;
  const shared = (id) => left.includes(id) && right.includes(id);
  const batch = outputs.filter(shared);
  const inner = left.filter((id) => shared(id) && !outputs.includes(id));
  const ownLeft = outputs.filter((id) => left.includes(id) && !right.includes(id));
  const ownRight = outputs.filter((id) => right.includes(id) && !left.includes(id));
  const sizeOf = (id) =>
    left.includes(id) ? operands[0].shape[left.indexOf(id)] : operands[1].shape[right.indexOf(id)];
  const sizes = (ids) => ids.map(sizeOf);
  const flat = (ids) => sizeFromShape(sizes(ids));
  const a = reshape(arranged(operands[0], left, [...batch, ...ownLeft, ...inner]), [
    flat(batch),
    flat(ownLeft),
    flat(inner),
  ]);
  const b = reshape(arranged(operands[1], right, [...batch, ...inner, ...ownRight]), [
    flat(batch),
    flat(inner),
    flat(ownRight),
  ]);
  const order = [...batch, ...ownLeft, ...ownRight];
  const product = reshape(matMul(a, b), sizes(order));
  return transpose(
    product,
    outputs.map((id) => order.indexOf(id)),
  );
}

export function einsum(equation, ...tensors) {
  if (!onNative()) return undefined;
  const operands = tensors.map((t, i) => convertToTensor(t, `tensors${i}`, 'einsum'));
  const { allDims, summedDims, idDims } = decodeEinsumEquation(equation, operands.length);
  checkEinsumDimSizes(allDims.length, idDims, operands);
  const outputs = Array.from({ length: allDims.length - summedDims.length }, (_, id) => id);
  if (operands.some((x) => x.dtype !== 'float32' || x.size === 0)) return undefined;
  return tidy(() =>
    operands.length === 1
      ? arranged(operands[0], idDims[0], outputs)
      : contraction(operands, idDims, outputs),
  );
}

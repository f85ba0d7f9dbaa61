// onnxruntime-node, where it is installed: npm install --no-save --ignore-scripts onnxruntime-node (288 MB; its processor
// library is inside the package). No dependency of the project, for its size and because its install script downloads.
import { createRequire } from 'node:module';
import { inputValues } from '../values.mjs';
import { onnxModel } from './onnx-model.mjs';

const product = ({ transposeA, transposeB }, [a, b]) => ({
  type: 'Gemm',
  attributes: { transA: Number(transposeA), transB: Number(transposeB) },
  output: [a[transposeA ? 1 : 0], b[transposeB ? 0 : 1]],
});

/** ONNX has images NCHW and filters OIHW. */
const convolution = (_, [[batch, height, width, channels], [kernel, , , filters]]) => ({
  type: 'Conv',
  attributes: { pads: Array(4).fill((kernel - 1) / 2) },
  axes: [
    [0, 3, 1, 2],
    [3, 2, 0, 1],
  ],
  inputs: [
    [batch, channels, height, width],
    [filters, channels, kernel, kernel],
  ],
  output: [batch, filters, height, width],
  outputAxes: [0, 2, 3, 1],
});

const sameShape =
  (type, attributes = () => ({})) =>
  (args, [x]) => ({
    type,
    attributes: attributes(args),
    output: x,
  });

const OPS = {
  add: sameShape('Add'),
  conv2d: convolution,
  exp: sameShape('Exp'),
  layerNorm: sameShape('LayerNormalization', ({ eps }) => ({ epsilon: eps })),
  matMul: product,
  rowSum: (_, [[rows]]) => ({
    type: 'ReduceSum',
    attributes: { axes: [1], keepdims: 0 },
    opset: 11,
    output: [rows],
  }),
  softmax: sameShape('Softmax'),
  transpose: (_, [[rows, columns]]) => ({
    type: 'Transpose',
    attributes: { perm: [1, 0] },
    output: [columns, rows],
  }),
};

/** Values with their axes in another order. */
function permuted(values, shape, axes) {
  if (axes === undefined) return values;
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const result = new Float32Array(values.length);
  const place = Array(axes.length).fill(0);
  for (let i = 0; i < result.length; i++) {
    result[i] = values[axes.reduce((sum, axis, j) => sum + place[j] * strides[axis], 0)];
    for (let j = axes.length - 1; j >= 0 && ++place[j] === shape[axes[j]]; j--) place[j] = 0;
  }
  return result;
}

async function start(ort, threads, { op, args, inputs }) {
  const shapes = inputs.map(({ shape }) => shape);
  const { type, attributes, opset, axes, output, outputAxes, ...node } = OPS[op](args, shapes);
  const inputShapes = node.inputs ?? shapes;
  const model = onnxModel(type, attributes, inputShapes, output, opset);
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  const feeds = Object.fromEntries(
    inputs.map((input, i) => {
      const values = permuted(inputValues(input, i), input.shape, axes?.[i]);
      return [`x${i}`, new ort.Tensor('float32', values, inputShapes[i])];
    }),
  );
  // The result goes to memory that is there already, so that its allocation does not count.
  const fetches = {
    y: new ort.Tensor('float32', new Float32Array(output.reduce((a, b) => a * b, 1)), output),
  };
  return {
    once: () => session.run(feeds, fetches),
    results: async () => {
      const { y } = await session.run(feeds, fetches);
      return [permuted(y.data, output, outputAxes)];
    },
    stop: () => session.release(),
  };
}

export async function open() {
  const require = createRequire(import.meta.url);
  let ort;
  try {
    ort = require('onnxruntime-node');
  } catch {
    return { missing: 'not installed (npm install --no-save --ignore-scripts onnxruntime-node)' };
  }
  const threads = Number(process.env.UC_BENCH_THREADS);
  return {
    description: `onnxruntime-node ${ort.env.versions.node}, ${threads} threads`,
    start: (one) => start(ort, threads, one),
  };
}

/** Peak of native memory in the backward pass: tfjs-core's driver, ours, and ours with checkpoints. */
import { beforeAll, expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { checkpoint, valueAndGrads } from '../../src/autodiff/index.js';
import { memoryStats, resetPeak, selectBackend } from '../../src/select-backend.js';
import { expectClose, normals } from '../support.js';

const [BLOCKS, LAYERS] = [6, 4];

beforeAll(() => {
  selectBackend('native');
});

/** Bytes that `f` needs at its worst moment, and the gradients it gives. */
function peakOf(f: () => { value: tf.Scalar; gradients: tf.Tensor[] }): {
  bytes: number;
  gradients: tf.Tensor[];
} {
  const { liveBytes } = memoryStats();
  resetPeak();
  const { value, gradients } = f();
  value.dispose();
  return { bytes: memoryStats().peakBytes - liveBytes, gradients };
}

test('ours stays below 0.4 of the stock peak, with checkpoints below 0.2, with the same gradients', () => {
  const weights = Array.from({ length: BLOCKS * LAYERS }, () =>
    tf.tidy(() => tf.variable(normals([32, 32]))),
  );
  const x = normals([2048, 32]);
  const layer = (h: tf.Tensor, w: tf.Variable) =>
    tf.tidy(() => tf.tanh(tf.matMul(h as tf.Tensor2D, w as unknown as tf.Tensor2D)));
  type Block = (h: tf.Tensor, own: tf.Variable[]) => tf.Tensor;
  const block: Block = (h, own) => own.reduce<tf.Tensor>(layer, h);
  const lossOf = (run: Block) => {
    let h: tf.Tensor = x;
    for (let i = 0; i < BLOCKS; i++) h = run(h, weights.slice(i * LAYERS, (i + 1) * LAYERS));
    return tf.sum(tf.square(h)) as tf.Scalar;
  };
  const ours = (run: Block) =>
    peakOf(() => {
      const { loss, grads } = valueAndGrads(() => ({ loss: lossOf(run) }), weights);
      return { value: loss, gradients: grads as tf.Tensor[] };
    });
  const stock = peakOf(() => {
    const { value, grads } = tf.variableGrads(() => lossOf(block), weights);
    return { value, gradients: weights.map((w) => grads[w.name]!) };
  });
  const driver = ours(block);
  const checkpointed = ours((h, own) => checkpoint((a) => block(a!, own), [h]));
  expect(driver.bytes).toBeLessThan(0.4 * stock.bytes);
  expect(checkpointed.bytes).toBeLessThan(0.2 * stock.bytes);
  stock.gradients.forEach((gradient, i) => {
    expectClose(driver.gradients[i]!, gradient, 0);
    expectClose(checkpointed.gradients[i]!, gradient, 0);
  });
  tf.dispose([weights, x, stock, driver, checkpointed] as unknown as tf.TensorContainer);
});

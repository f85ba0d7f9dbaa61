// A worker thread that trains a small network on its own native context and reports; see workers.test.ts.
import { parentPort, workerData } from 'node:worker_threads';
import {
  AdamW,
  memoryStats,
  randomNormal,
  rmsNorm,
  selectBackend,
  tf,
  valueAndGrads,
} from '../../dist/index.js';

const { seed, steps, ballastMiB } = workerData;

/** The losses of `count` steps on data and weights that depend on the seed alone. */
function train(count, onStep) {
  const normals = (shape, stream) => randomNormal(shape, { seed, stream, counter: 0 });
  const x = normals([8, 12, 12, 3], 0);
  const variable = (shape, stream) => tf.tidy(() => tf.variable(normals(shape, stream)));
  const weights = [variable([3, 3, 3, 16], 1), variable([16 * 144, 10], 2)];
  const optimizer = new AdamW({ lr: 1e-2, betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0 });
  const losses = [];
  for (let step = 0; step < count; step++) {
    const { loss, grads } = valueAndGrads(() => {
      const features = tf.reshape(tf.relu(tf.conv2d(x, weights[0], 1, 'same')), [8, 16 * 144]);
      return {
        loss: tf.mean(tf.square(tf.matMul(rmsNorm(features, tf.ones([16 * 144]), 1e-6), weights[1]))),
      };
    }, weights);
    optimizer.step(weights, grads).dispose();
    losses.push(loss.dataSync()[0]);
    tf.dispose([loss, ...grads]);
    onStep?.(step);
  }
  optimizer.dispose();
  tf.dispose([x, ...weights]);
  return losses;
}

selectBackend('native');
const before = memoryStats();
if (ballastMiB > 0) tf.fill([ballastMiB, 1024, 256], 1);
const losses = train(steps, (step) => {
  if (step === 1) parentPort.postMessage({ running: true });
});
parentPort.postMessage({ losses, leftBuffers: memoryStats().liveBuffers - before.liveBuffers });

// tfjs-backend-cpu, plain JavaScript.
import { createRequire } from 'node:module';
import { startTfjsCase } from './tfjs.mjs';

export async function open() {
  const require = createRequire(import.meta.url);
  const tf = require('@tensorflow/tfjs-core');
  const { version_cpu: version } = require('@tensorflow/tfjs-backend-cpu');
  await tf.setBackend('cpu');
  await tf.ready();
  return {
    description: `tfjs-backend-cpu ${version}, 1 thread`,
    start: (one) => startTfjsCase({ tf, N: null }, one),
  };
}

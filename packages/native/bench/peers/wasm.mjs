// tfjs-backend-wasm, WebAssembly with SIMD; its threads do not work in Node.
import { createRequire } from 'node:module';
import { startTfjsCase } from './tfjs.mjs';

export async function open() {
  const require = createRequire(import.meta.url);
  const tf = require('@tensorflow/tfjs-core');
  const { version_wasm: version } = require('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend('wasm');
  await tf.ready();
  return {
    description: `tfjs-backend-wasm ${version}, 1 thread`,
    start: (one) => startTfjsCase({ tf, N: null }, one),
  };
}

/** The backend 'tensorflow', loaded from stand-ins for the packages of TensorFlow that bring it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inProcess } from '../in-process.js';

const require = createRequire(import.meta.url);
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unicharacter-tensorflow-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function install(name: string, version: string, code: string): void {
  const path = join(folder, 'node_modules', '@tensorflow', name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name: `@tensorflow/${name}`, version }));
  writeFileSync(join(path, 'index.js'), code);
}

/** As tfjs-node does: a tfjs-core of its own, a backend under the name 'tensorflow', and the choice of it. */
const WORKING = `
  if (typeof require('util').isNullOrUndefined !== 'function') throw new TypeError('util.isNullOrUndefined is not a function');
  const tf = require(${JSON.stringify(require.resolve('@tensorflow/tfjs-core'))});
  const { MathBackendCPU } = require(${JSON.stringify(require.resolve('@tensorflow/tfjs-backend-cpu'))});
  class Backend extends MathBackendCPU { brought = __dirname; }
  tf.registerBackend('tensorflow', () => new Backend(), 3);
  tf.copyRegisteredKernels('cpu', 'tensorflow');
  tf.setBackend('tensorflow');
  module.exports = { shared: tf.tensor1d([1, 2, 3]) };`;

const SELECT = `
  try { native.selectBackend('tensorflow'); } catch (error) { return { name: error.name, message: error.message }; }`;

const select = (more = 'return native.tf.getBackend()') => inProcess(SELECT + more, {}, folder);

test('without a package the error says what to install', () => {
  expect(select()).toEqual({
    name: 'TensorflowBackendError',
    message: expect.stringMatching(
      /neither @tensorflow\/tfjs-node-gpu nor @tensorflow\/tfjs-node is installed\.\nInstall it with "npm install @tensorflow\/tfjs-node@4\.22\.0"/,
    ),
  });
});

test('another version is refused before it is loaded', () => {
  install('tfjs-node', '4.10.0', 'throw new Error("loaded")');
  expect(select()).toMatchObject({
    message: expect.stringContaining('tfjs-node is installed in version 4.10.0, but 4.22 is needed'),
  });
});

test('a package whose addon is missing is named with its own reason', () => {
  install('tfjs-node', '4.22.0', 'throw new Error("The Node.js native addon module can not be found")');
  expect(select()).toMatchObject({
    message: expect.stringMatching(
      /tfjs-node 4\.22\.0 does not load on Node v\d+\S*: The Node\.js native addon/,
    ),
  });
});

test('a package that brings nothing is an error', () => {
  install('tfjs-node', '4.22.0', '');
  expect(select()).toMatchObject({ message: expect.stringContaining('registers no such backend') });
});

test('ops, fused ops and gradients run on it and share tensors with it; the GPU package goes first', () => {
  install('tfjs-node', '4.22.0', WORKING);
  install('tfjs-node-gpu', '4.22.1', WORKING);
  const found = inProcess(
    // Node 24 has no util.isNullOrUndefined.
    `delete require('util').isNullOrUndefined;
     ${SELECT}
     const { tf } = native;
     const { shared } = require('@tensorflow/tfjs-node-gpu');
     const x = tf.tensor2d([3, 4], [1, 2]);
     const norm = (x) => tf.sum(native.rmsNorm(x, tf.tensor1d([1, 2]), 0));
     const { loss, grads } = native.valueAndGrads(() => ({ loss: norm(w) }), [w = tf.variable(x)]);
     return {
       backend: tf.getBackend(), brought: tf.backend().brought, isTensor: shared instanceof tf.Tensor,
       product: tf.matMul(x, x, false, true).dataSync()[0], sum: tf.sum(shared).dataSync()[0],
       loss: loss.dataSync()[0], gradient: Array.from(grads[0].dataSync()),
     };`,
    {},
    folder,
  ) as Record<string, unknown> & { brought: string; loss: number; gradient: number[] };
  expect(found).toMatchObject({ backend: 'tensorflow', isTensor: true, product: 25, sum: 6 });
  expect(found.brought).toContain('tfjs-node-gpu');
  // (3 + 2·4)/√12.5, and its derivative: w/r − x (w·x)/(2 r³) with r² the mean square.
  expect(found.loss).toBeCloseTo(11 / Math.sqrt(12.5), 5);
  const r = Math.sqrt(12.5);
  const expected = [1 / r - (3 * 11) / (2 * r ** 3), 2 / r - (4 * 11) / (2 * r ** 3)];
  found.gradient.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 5);
  });
});

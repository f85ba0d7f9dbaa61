import { afterEach, expect, it } from 'vitest';
import * as N from '../../src/index.js';

const { tf } = N;

// Float32 outputs from 16 MiB on are written round the caches; halves of these are smaller.
const ROWS = 4128;
const WIDTH = 1024;
const HALF = ROWS / 2;

afterEach(() => tf.disposeVariables());

const matrix = (seed: number) => tf.randomUniform([ROWS, WIDTH], -2, 2, 'float32', seed);

type RowOp = (...rows: tf.Tensor[]) => tf.Tensor;

/** A result that is streamed equals, to the bit, its halves that are not. */
function equalsHalves(op: RowOp, inputs: tf.Tensor[]): boolean {
  const half = (from: number) => op(...inputs.map((x) => tf.slice(x, [from, 0], [HALF, WIDTH])));
  const parts = tf.concat([half(0), half(HALF)]);
  const whole = op(...inputs);
  expect(whole.shape).toEqual(parts.shape);
  return tf.all(tf.equal(whole, parts)).dataSync()[0] === 1;
}

const gradient =
  (op: (x: tf.Tensor) => tf.Tensor): RowOp =>
  (x, dy) =>
    tf.grad(op)(x!, dy);

it.each<[string, number, (weight: tf.Tensor1D) => RowOp]>([
  ['rmsNorm', 1, (w) => (x) => N.rmsNorm(x!, w, 1e-6)],
  ['layerNorm', 1, (w) => (x) => N.layerNorm(x!, w, w, 1e-6)],
  ['softmax', 1, () => (x) => tf.softmax(x!)],
  ['geluTanh', 1, () => (x) => N.geluTanh(x!)],
  ['swiglu', 2, () => (gate, up) => N.swiglu(gate!, up!)],
  ['gradient of rmsNorm', 2, (w) => gradient((x) => N.rmsNorm(x, w, 1e-6))],
  ['gradient of layerNorm', 2, (w) => gradient((x) => N.layerNorm(x, w, w, 1e-6))],
  ['gradient of softmax', 2, () => gradient((x) => tf.softmax(x))],
  ['gradient of geluTanh', 2, () => gradient((x) => N.geluTanh(x))],
  ['gradient of swiglu', 3, () => (gate, up, dy) => tf.grad((g) => N.swiglu(g, up!))(gate!, dy!)],
])('%s writes large results as it writes small ones', (_, count, make) => {
  N.selectBackend('native');
  tf.tidy(() => {
    const op = make(tf.randomUniform([WIDTH], 0.5, 2, 'float32', 9));
    const inputs = Array.from({ length: count }, (_unused, i) => matrix(i + 1));
    expect(equalsHalves(op, inputs)).toBe(true);
  });
});

it('grpoLoss writes large results as it writes small ones, with an end that fills no vector', () => {
  N.selectBackend('native');
  tf.tidy(() => {
    const samples = ROWS * WIDTH + 5;
    const [now, old, advantage] = [1, 2, 3].map((seed) =>
      tf.randomUniform([samples], -2, 2, 'float32', seed),
    );
    const loss = (from: number, size: number) => {
      const [a, b, c] = [now!, old!, advantage!].map((x) => tf.slice(x, from, size) as tf.Tensor1D);
      return N.grpoLoss(a!, b!, c!, { clipLow: 0.2, clipHigh: 0.28, advantageClip: 5 }).policyLoss;
    };
    const parts = tf.concat([loss(0, HALF * WIDTH), loss(HALF * WIDTH, samples - HALF * WIDTH)]);
    expect(tf.all(tf.equal(loss(0, samples), parts)).dataSync()[0]).toBe(1);
  });
});

it.each([
  [ROWS, WIDTH],
  [ROWS + 3, WIDTH + 16],
  [WIDTH + 16, ROWS + 3],
])('a large %i x %i matrix is transposed by halves or at once', (rows, columns) => {
  N.selectBackend('native');
  tf.tidy(() => {
    const x = tf.randomUniform([rows, columns], -1, 1, 'float32', 5);
    const half = rows >> 1;
    const parts = tf.concat(
      [tf.slice(x, [0, 0], [half, columns]), tf.slice(x, [half, 0], [rows - half, columns])].map((part) =>
        tf.transpose(part),
      ),
      1,
    );
    expect(tf.all(tf.equal(tf.transpose(x), parts)).dataSync()[0]).toBe(1);
    expect(tf.all(tf.equal(tf.transpose(tf.transpose(x)), x)).dataSync()[0]).toBe(1);
  });
});

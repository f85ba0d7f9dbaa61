/** Choosing tokens: the native kernel beside its reference, and what nobody may notice: the other rows. */
import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { philoxNormal } from '../../src/ops/philox.js';
import { composedSampleToken, sampleTokens, type TokenDraw } from '../../src/ops/sample-tokens.js';
import { storedAs } from '../../src/ops/stored-as.js';
import { selectBackend } from '../../src/select-backend.js';

const VOCABULARY = 2053;

function scene(rows: number) {
  const values = philoxNormal(rows * VOCABULARY, { seed: 3, stream: 1, counter: 0 }).map(
    (value) => 2 * value,
  );
  const draws = Array.from(
    { length: rows },
    (_, i): TokenDraw => ({
      choices: i % 3 === 0 ? VOCABULARY : 1999,
      temperature: [0, 0.3, 0.7, 1, 1.9][i % 5]!,
      topP: [1, 0.9, 0.5, 0, 0.999][i % 4]!,
      key: { seed: 2 ** 40 + i, stream: 7, counter: i },
    }),
  );
  return { values, draws, row: (i: number) => values.subarray(i * VOCABULARY, (i + 1) * VOCABULARY) };
}

function choose(values: Float32Array, draws: TokenDraw[]): Int32Array {
  const logits = tf.tensor2d(values, [draws.length, VOCABULARY]);
  try {
    return sampleTokens(logits, draws);
  } finally {
    logits.dispose();
  }
}

describe('on native', () => {
  beforeAll(() => selectBackend('native'));

  test('every row gets what the reference chooses', () => {
    const { values, draws, row } = scene(300);
    const expected = draws.map((draw, i) => composedSampleToken(row(i), draw));
    expect([...choose(values, draws)]).toEqual(expected);
    expect(new Set(expected).size).toBeGreaterThan(50);
  });

  test('a row does not notice the others', () => {
    const { values, draws, row } = scene(17);
    const together = choose(values, draws);
    for (const [i, draw] of draws.entries()) expect([...choose(row(i), [draw])]).toEqual([together[i]]);
  });

  test('logits in bfloat16 are those of their values', () => {
    const { values, draws } = scene(20);
    const narrow = tf.tidy(() => storedAs(tf.tensor2d(values, [20, VOCABULARY]), 'bfloat16'));
    const rounded = narrow.dataSync() as Float32Array;
    expect([...sampleTokens(narrow as tf.Tensor2D, draws)]).toEqual([...choose(rounded, draws)]);
    expect(rounded).not.toEqual(values);
    narrow.dispose();
  });

  test('the smaller id wins among equals, greedily and at the edge of the nucleus', () => {
    const values = new Float32Array(VOCABULARY).fill(1);
    const draw = { choices: 8, temperature: 1, topP: 0.5, key: { seed: 0, stream: 0, counter: 0 } };
    const drawn = Array.from(
      { length: 200 },
      (_, counter) => choose(values, [{ ...draw, key: { ...draw.key, counter } }])[0],
    );
    expect([...new Set(drawn)].sort()).toEqual([0, 1, 2, 3]);
    expect([...choose(values, [{ ...draw, temperature: 0 }])]).toEqual([0]);
  });

  test.each([
    [{ choices: VOCABULARY + 1 }, /choices in \[1, 2053\], found 2054/],
    [{ temperature: -1 }, /temperature/],
    [{ key: { seed: -1, stream: 0, counter: 0 } }, /key.seed/],
  ])('%j is refused', (wrong, message) => {
    const { values, draws } = scene(1);
    expect(() => choose(values, [{ ...draws[0]!, ...wrong }])).toThrow(message);
  });
});

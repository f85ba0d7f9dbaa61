/** Choosing tokens: the native kernel beside its reference, and what nobody may notice: the other rows. */
import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { philoxNormal } from '../../src/ops/philox.js';
import {
  type ChosenToken,
  composedSampleToken,
  sampleTokens,
  type TokenDraw,
} from '../../src/ops/sample-tokens.js';
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

function choose(values: Float32Array, draws: TokenDraw[]): ChosenToken[] {
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
    expect(choose(values, draws)).toEqual(expected);
    expect(new Set(expected.map(({ id }) => id)).size).toBeGreaterThan(50);
  });

  test('a row does not notice the others', () => {
    const { values, draws, row } = scene(17);
    const together = choose(values, draws);
    for (const [i, draw] of draws.entries()) expect(choose(row(i), [draw])).toEqual([together[i]]);
  });

  test('rows that ask for probabilities get them, whatever the others ask for', () => {
    const { values, draws, row } = scene(60);
    const asking = draws.map((draw, i) =>
      i % 3 === 2 ? draw : { ...draw, likeliest: [0, 1, 5, 20][i % 4]! },
    );
    const chosen = choose(values, asking);
    expect(chosen.map(({ id }) => id)).toEqual(choose(values, draws).map(({ id }) => id));
    for (const [i, draw] of asking.entries()) {
      const expected = composedSampleToken(row(i), draw);
      const { id, logprob, top } = chosen[i]!;
      expect([id, top?.map((token) => token.id)]).toEqual([
        expected.id,
        expected.top?.map((token) => token.id),
      ]);
      if (expected.logprob === undefined) {
        expect(logprob).toBeUndefined();
        continue;
      }
      // A float32 near 10 is 1e-6 from the next one.
      expect(Math.abs(logprob! - expected.logprob)).toBeLessThan(1e-5);
      for (const [n, token] of expected.top!.entries())
        expect(Math.abs(top![n]!.logprob - token.logprob)).toBeLessThan(1e-5);
    }
  });

  test('the probabilities of all choices sum to one', () => {
    const { values, draws } = scene(1);
    const [token] = choose(values, [{ ...draws[0]!, choices: 300, likeliest: 300 }]);
    expect(token!.top!.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 5);
    expect(new Set(token!.top!.map(({ id }) => id)).size).toBe(300);
  });

  test('logits in bfloat16 are those of their values', () => {
    const { values, draws } = scene(20);
    const narrow = tf.tidy(() => storedAs(tf.tensor2d(values, [20, VOCABULARY]), 'bfloat16'));
    const rounded = narrow.dataSync() as Float32Array;
    expect(sampleTokens(narrow as tf.Tensor2D, draws)).toEqual(choose(rounded, draws));
    expect(rounded).not.toEqual(values);
    narrow.dispose();
  });

  test('the smaller id wins among equals, greedily and at the edge of the nucleus', () => {
    const values = new Float32Array(VOCABULARY).fill(1);
    const draw = { choices: 8, temperature: 1, topP: 0.5, key: { seed: 0, stream: 0, counter: 0 } };
    const drawn = Array.from(
      { length: 200 },
      (_, counter) => choose(values, [{ ...draw, key: { ...draw.key, counter } }])[0]!.id,
    );
    expect([...new Set(drawn)].sort()).toEqual([0, 1, 2, 3]);
    expect(choose(values, [{ ...draw, temperature: 0, likeliest: 2 }])).toEqual([
      {
        id: 0,
        logprob: expect.closeTo(-Math.log(8), 5),
        top: [0, 1].map((id) => ({ id, logprob: expect.closeTo(-Math.log(8), 5) })),
      },
    ]);
  });

  test.each([
    [{ choices: VOCABULARY + 1 }, /choices in \[1, 2053\], found 2054/],
    [{ temperature: -1 }, /temperature/],
    [{ choices: 4, likeliest: 5 }, /likeliest in \[0, 4\], found 5/],
    [{ key: { seed: -1, stream: 0, counter: 0 } }, /key.seed/],
  ])('%j is refused', (wrong, message) => {
    const { values, draws } = scene(1);
    expect(() => choose(values, [{ ...draws[0]!, ...wrong }])).toThrow(message);
  });
});

import { beforeAll, describe, expect, test } from 'vitest';
import { philoxNormal, philoxRounds, philoxUniform } from '../../src/ops/philox.js';
import { randomNormal, randomUniform } from '../../src/ops/random.js';
import { selectBackend } from '../../src/select-backend.js';

describe.each(['cpu', 'native'] as const)('on %s', (backend) => {
  beforeAll(() => {
    selectBackend(backend);
  });

  describe('Philox4x32-10', () => {
    // The published known-answer vectors of the generator.
    test.each([
      [
        [0, 0, 0, 0],
        [0, 0],
        ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8'],
      ],
      [
        Array(4).fill(0xffffffff),
        Array(2).fill(0xffffffff),
        ['408f276d', '41c83b0e', 'a20bc7c6', '6d5451fd'],
      ],
      [
        [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
        [0xa4093822, 0x299f31d0],
        ['d16cfe09', '94fdcceb', '5001e420', '24126ea1'],
      ],
    ])('counter %j key %j', (counter: number[], key: number[], expected: string[]) => {
      const words = Uint32Array.from(counter);
      philoxRounds(words, key[0]!, key[1]!);
      expect([...words].map((word) => word.toString(16).padStart(8, '0'))).toEqual(expected);
    });
  });

  const key = { seed: 2 ** 40 + 3, stream: 5, counter: 2 ** 33 + 1 };

  test('a shorter request is a prefix of a longer one', () => {
    expect(philoxNormal(1001, key).subarray(0, 7)).toEqual(philoxNormal(7, key));
    expect(philoxUniform(1001, key).subarray(0, 7)).toEqual(philoxUniform(7, key));
  });

  test('every part of the key matters', () => {
    const first = (changed: Partial<typeof key>) => philoxUniform(1, { ...key, ...changed })[0];
    const values = [
      {},
      { seed: 3 },
      { seed: 2 ** 40 + 4 },
      { stream: 6 },
      { counter: 1 },
      { counter: 2 ** 33 + 2 },
    ];
    expect(new Set(values.map(first)).size).toBe(values.length);
  });

  test('moments of the distributions', () => {
    const count = 200_000;
    const normal = philoxNormal(count, key);
    const moment = (values: Float32Array, power: number) =>
      values.reduce((sum, x) => sum + x ** power, 0) / count;
    expect(moment(normal, 1)).toBeCloseTo(0, 2);
    expect(moment(normal, 2)).toBeCloseTo(1, 1);
    expect(moment(normal, 4)).toBeCloseTo(3, 0);
    expect(Math.max(...normal.subarray(0, 50_000))).toBeGreaterThan(3.5);
    const uniform = philoxUniform(count, key);
    expect(moment(uniform, 1)).toBeCloseTo(0.5, 2);
    expect(moment(uniform, 2)).toBeCloseTo(1 / 3, 2);
    expect(uniform.every((x) => x >= 0 && x < 1)).toBe(true);
  });

  test('normals agree with the textbook transform', () => {
    const words = new Uint32Array(4);
    const values = philoxNormal(4000, { seed: 11, stream: 0, counter: 0 });
    for (let at = 0; at < 4000; at += 4) {
      words.set([at / 4, 0, 0, 0]);
      philoxRounds(words, 11, 0);
      for (let pair = 0; pair < 4; pair += 2) {
        const radius = Math.sqrt(-2 * Math.log((words[pair]! + 1) / 2 ** 32));
        const angle = (2 * Math.PI * words[pair + 1]!) / 2 ** 32;
        expect(values[at + pair]).toBeCloseTo(radius * Math.cos(angle), 6);
        expect(values[at + pair + 1]).toBeCloseTo(radius * Math.sin(angle), 6);
      }
    }
  });

  test('values do not depend on the backend', () => {
    expect(randomNormal([1003], key).dataSync()).toEqual(philoxNormal(1003, key));
    expect(randomUniform([17, 59], key).dataSync()).toEqual(philoxUniform(1003, key));
  });

  test('tensors have the asked shape; a bad key is named', () => {
    const x = randomNormal([2, 3], key);
    expect(x.shape).toEqual([2, 3]);
    expect(randomUniform([], key).shape).toEqual([]);
    expect(() => randomNormal([1], { ...key, stream: -1 })).toThrow(/key.stream .* -1/);
    expect(() => randomNormal([1], { ...key, seed: 0.5 })).toThrow(/key.seed/);
  });
});

import { describe, expect, it } from 'vitest';
import { KeyedRandom, philox4x32 } from './keyed-random.js';

describe('philox4x32', () => {
  it('gives the known answers of the Random123 distribution', () => {
    expect(philox4x32([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    const ones = 0xffffffff;
    expect(philox4x32([ones, ones, ones, ones], [ones, ones])).toEqual([
      0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd,
    ]);
    expect(philox4x32([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toEqual([
      0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1,
    ]);
  });
});

describe('KeyedRandom', () => {
  it('depends on seed, stream and index only', () => {
    const draw = (seed: number, stream: number, index: [number, number?]): number[] => {
      const random = new KeyedRandom(seed, stream, index);
      return [random.bits(), random.bits(), random.bits(), random.bits(), random.bits()];
    };
    expect(draw(1, 2, [3])).toEqual(draw(1, 2, [3, 0]));
    const others = [
      draw(2, 2, [3]),
      draw(1, 3, [3]),
      draw(1, 2, [4]),
      draw(1, 2, [3, 1]),
      draw(1 + 2 ** 32, 2, [3]),
    ];
    for (const other of others) expect(other).not.toEqual(draw(1, 2, [3]));
  });

  it('is uniform and normal', () => {
    const random = new KeyedRandom(7, 1, [0]);
    const uniform = Array.from({ length: 4000 }, () => random.uniform());
    const normal = Array.from({ length: 4000 }, () => random.normal());
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...uniform)).toBeLessThan(1);
    expect(mean(uniform)).toBeCloseTo(0.5, 1);
    expect(mean(normal)).toBeCloseTo(0, 1);
    expect(mean(normal.map((value) => value * value))).toBeCloseTo(1, 1);
  });

  it('permutes', () => {
    const order = new KeyedRandom(7, 1, [0]).permutation(50);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect(order).not.toEqual([...order].sort((a, b) => a - b));
  });
});

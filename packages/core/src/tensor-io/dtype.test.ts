import { describe, expect, it } from 'vitest';
import { narrowToBfloat16, toBfloat16Bits, widenBfloat16, widenFloat16 } from './dtype.js';

/** Plain reading of the binary16 definition, independent of the bit tricks under test. */
function halfByDefinition(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

describe('float16', () => {
  it('widens all 65,536 bit patterns exactly', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const values = new Float32Array(65536);
    widenFloat16(bits, values);
    for (let i = 0; i < 65536; i++) expect(Object.is(values[i], halfByDefinition(i))).toBe(true);
  });
});

describe('bfloat16', () => {
  it('survives widening and narrowing for every bit pattern that is not a signalling NaN', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const values = new Float32Array(65536);
    widenBfloat16(bits, values);
    const back = new Uint16Array(65536);
    narrowToBfloat16(values, back);
    for (let i = 0; i < 65536; i++) {
      const notANumber = (i & 0x7fff) > 0x7f80;
      expect(back[i]).toBe(notANumber ? i | 0x40 : i);
    }
  });

  it.each([
    [1, 0x3f80],
    [1 + 2 ** -8, 0x3f80], // tie, goes to the even neighbour below
    [1 + 3 * 2 ** -8, 0x3f82], // tie, goes to the even neighbour above
    [1 + 2 ** -8 + 2 ** -20, 0x3f81],
    [-2.5, 0xc020],
    [3.4e38, 0x7f80], // beyond the largest bfloat16: rounds to infinity
    [Number.POSITIVE_INFINITY, 0x7f80],
    [0, 0],
    [-0, 0x8000],
  ])('rounds %d to 0x%x', (value, bits) => {
    expect(toBfloat16Bits(value)).toBe(bits);
  });

  it('keeps NaN a NaN', () => {
    expect(toBfloat16Bits(Number.NaN) & 0x7fff).toBeGreaterThan(0x7f80);
  });
});

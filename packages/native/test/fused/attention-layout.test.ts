import { expect, test } from 'vitest';
import { AttentionLayout, TILE, TileClass } from '../../src/ops/attention-layout.js';
import { packedRow } from './rows.js';

test('the worked example of the specification: image, image, text, target, its clean copy, text', () => {
  const layout = new AttentionLayout(
    packedRow([
      [
        ['full', 3],
        ['full', 3],
        ['causal', 3],
        ['noise', 3],
        ['full', 3],
        ['causal', 3],
      ],
    ]),
  );
  const rows = Array.from({ length: 18 }, (_, q) =>
    Array.from({ length: 18 }, (_, k) => (layout.sees(q, k) ? '1' : '0')).join(''),
  );
  const text = ['100', '110', '111'];
  const lines = (prefix: string, own: string[], suffix: string) => own.map((part) => prefix + part + suffix);
  const image = ['111', '111', '111'];
  expect(rows).toEqual([
    ...lines('', image, '000000000000000'),
    ...lines('111', image, '000000000000'),
    ...lines('111111', text, '000000000'),
    ...lines('111111111', image, '000000'),
    ...lines('111111111000', image, '000'),
    ...lines('111111111000111', text, ''),
  ]);
});

test.each([1, 2, 3, 4, 5, 6])('tile classes agree with the rule, row %i', (seed) => {
  const metadata = packedRow(undefined, seed);
  const layout = new AttentionLayout(metadata);
  const classes = layout.tileClasses();
  const edge = Math.ceil(layout.tokens / TILE);
  expect(classes.length).toBe(edge * edge);
  for (let row = 0; row < edge; row++) {
    for (let column = 0; column < edge; column++) {
      const seen = new Set<boolean>();
      for (let q = row * TILE; q < Math.min((row + 1) * TILE, layout.tokens); q++) {
        for (let k = column * TILE; k < Math.min((column + 1) * TILE, layout.tokens); k++)
          seen.add(layout.sees(q, k));
      }
      const found = classes[row * edge + column];
      // "partial" is always correct, the others must be exact.
      if (found !== TileClass.partial) expect([...seen]).toEqual([found === TileClass.full]);
    }
  }
});

test('a wrong length or mode is named', () => {
  const one = Int32Array.of(0);
  const two = Int32Array.of(0, 0);
  expect(() => new AttentionLayout({ sample: one, split: two, order: one, mode: one })).toThrow(
    /split of length 1/,
  );
  expect(() => new AttentionLayout({ sample: one, split: one, order: one, mode: Int32Array.of(3) })).toThrow(
    /found 3 at token 0/,
  );
});

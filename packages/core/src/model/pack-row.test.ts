import { AttentionLayout } from '@unicharacter/native';
import { describe, expect, it } from 'vitest';
import { nano } from '../../test/tiny-model.js';
import type { ModelConfig } from './config.js';
import { chooseDropped, type EncodedItem, type EncodedSample, sampleTokens } from './encoded-sample.js';
import { attentionArrays, packRow } from './pack-row.js';

/** The position tables of the published model. */
const config: ModelConfig = {
  ...nano,
  vit: { ...nano.vit, patchesPerSide: 70 },
  latent: { ...nano.latent, maxSide: 64 },
};
const markers = { bos: 1, eos: 2, soi: 3, eoi: 4 };

const text = (ids: number[], loss = false, droppable = false): EncodedItem => ({
  kind: 'text',
  ids,
  loss,
  droppable,
});
const vit = (rows: number, columns: number): EncodedItem => ({
  kind: 'vit',
  patches: new Float32Array(rows * columns * 588),
  rows,
  columns,
  droppable: true,
});
const vae = (rows: number, columns: number, loss: boolean): EncodedItem => ({
  kind: 'vae',
  latents: new Float32Array(rows * columns * 64),
  rows,
  columns,
  loss,
  droppable: !loss,
});

describe('packRow', () => {
  const a: EncodedSample = { id: 'a', items: [text([11, 12, 13]), vae(2, 3, true)] };
  const b: EncodedSample = { id: 'b', items: [vit(2, 2), text([21, 22]), text([31, 32], true)] };

  it('lays out the worked example of the specification', () => {
    const row = packRow([{ sample: a }, { sample: b }], config, markers);
    expect(row.tokens).toBe(27);
    expect([...row.textIds]).toEqual([1, 11, 12, 13, 2, 3, 4, 3, 4, 1, 21, 22, 2, 1, 31, 32, 2]);
    expect([...row.textIndexes]).toEqual([0, 1, 2, 3, 4, 5, 12, 13, 18, 19, 20, 21, 22, 23, 24, 25, 26]);
    expect([...row.positions]).toEqual([
      ...[0, 1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 5, 5],
      ...[0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8],
    ]);
    expect(row.sampleLengths).toEqual([13, 14]);
    expect([...row.latentIndexes]).toEqual([6, 7, 8, 9, 10, 11]);
    expect([...row.latentPositions]).toEqual([0, 1, 2, 64, 65, 66]);
    expect([...row.mseRows].map((r) => row.latentIndexes[r])).toEqual([6, 7, 8, 9, 10, 11]);
    expect([...row.patchIndexes]).toEqual([14, 15, 16, 17]);
    expect([...row.patchPositions]).toEqual([0, 1, 70, 71]);
    expect([...row.ceRows].map((r) => row.textIndexes[r])).toEqual([23, 24, 25]);
    expect([...row.ceLabels]).toEqual([31, 32, 2]);
    for (const weight of row.ceWeights) expect(weight).toBeCloseTo(1 / Math.sqrt(3), 6);
    expect(sampleTokens(a) + sampleTokens(b)).toBe(27);
  });

  it('orders memory by kind: text, patches, latents', () => {
    const row = packRow([{ sample: a }, { sample: b }], config, markers);
    expect([...row.order]).toEqual([...row.textIndexes, ...row.patchIndexes, ...row.latentIndexes]);
    expect([...row.order].sort((x, y) => x - y)).toEqual(Array.from({ length: 27 }, (_, i) => i));
  });

  it('masks as the example of the specification: A full, B full, C causal, D noise, E full, F causal', () => {
    const sample: EncodedSample = {
      id: 'edit',
      items: [vae(1, 1, false), vit(1, 1), text([5]), vae(1, 1, true), vae(1, 1, false), text([6])],
    };
    const row = packRow([{ sample }], config, markers);
    const layout = new AttentionLayout(attentionArrays(row));
    const place = new Map([...row.order].map((rowIndex, memory) => [rowIndex, memory]));
    const seen = (q: number) =>
      Array.from({ length: 18 }, (_, k) =>
        layout.sees(place.get(q) as number, place.get(k) as number) ? '1' : '0',
      )
        .join('')
        .replace(/(...)(?=.)/g, '$1 ');
    expect([0, 3, 6, 7, 8, 9, 12, 15, 17].map(seen)).toEqual([
      '111 000 000 000 000 000',
      '111 111 000 000 000 000',
      '111 111 100 000 000 000',
      '111 111 110 000 000 000',
      '111 111 111 000 000 000',
      '111 111 111 111 000 000',
      '111 111 111 000 111 000',
      '111 111 111 000 111 100',
      '111 111 111 000 111 111',
    ]);
    expect([...row.positions]).toEqual([0, 0, 0, 1, 1, 1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 6, 7, 8]);
  });

  it('advances the position for a dropped image and not for a dropped text', () => {
    const sample: EncodedSample = { id: 'x', items: [vit(1, 1), text([5]), text([6], true)] };
    const positions = (dropped: boolean[]) => [...packRow([{ sample, dropped }], config, markers).positions];
    expect(positions([true, false, false])).toEqual([1, 2, 3, 4, 5, 6]);
    expect(positions([false, true, false])).toEqual([0, 0, 0, 1, 2, 3]);
  });

  it('refuses an image that its position table cannot hold, and a sample without tokens', () => {
    const wide: EncodedSample = { id: 'wide', items: [vae(1, 65, true)] };
    expect(() => packRow([{ sample: wide }], config, markers)).toThrow(/65x1.*64x64/);
    const empty = { sample: { id: 'empty', items: [text([1], false, true)] }, dropped: [true] };
    expect(() => packRow([empty], config, markers)).toThrow(/"empty"/);
  });
});

describe('chooseDropped', () => {
  it('asks once per droppable condition and never drops what has a loss', () => {
    const sample: EncodedSample = {
      id: 's',
      items: [
        text([1], false, true),
        vit(1, 1),
        vae(1, 1, false),
        text([2]),
        vae(1, 1, true),
        text([3], true, true),
      ],
    };
    const draws = [0.05, 0.5, 0.2];
    const dropped = chooseDropped(sample, { text: 0.1, vit: 0.3, vae: 0.3 }, () => draws.shift() as number);
    expect(dropped).toEqual([true, false, true, false, false, false]);
    expect(draws).toEqual([]);
  });
});

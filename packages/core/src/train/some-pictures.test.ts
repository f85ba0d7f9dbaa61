import { describe, expect, it } from 'vitest';
import { characterFolder } from '../../test/train/tiny-run.js';
import { loadConfig } from '../config/index.js';
import { readCharacter } from '../data/index.js';
import { withSomePictures } from './some-pictures.js';
import { readTrainingData } from './training-data.js';

const ids = (rows: readonly { imageId?: string }[]) => new Set(rows.map(({ imageId }) => imageId));

describe('training on some of the pictures', () => {
  it('takes nested choices that the seed draws, with what is said about them', async () => {
    const all = await readCharacter(characterFolder);
    const of = (most: number, seed = 42) => withSomePictures(all, most, seed);
    const chosen = [1, 3, 5, 10].map((most) => of(most).images.map(({ id }) => id));
    expect(chosen.map(({ length }) => length)).toEqual([1, 3, 5, 10]);
    for (const [i, fewer] of chosen.slice(0, -1).entries())
      expect(chosen[i + 1]).toEqual(expect.arrayContaining(fewer));
    expect(of(3)).toEqual(of(3));
    expect(new Set([1, 2, 3, 4, 5].map((seed) => of(1, seed).images[0]!.id)).size).toBeGreaterThan(1);

    const { images, scenes, vqa, t2i, dialogues, knowledge } = of(3);
    const kept = new Set(images.map(({ id }) => id));
    expect([ids(scenes), ids(vqa), ids(t2i)]).toEqual([kept, kept, kept]);
    expect([dialogues, knowledge]).toEqual([all.dialogues, all.knowledge]);
    expect(of(0)).toBe(all);
    expect(of(99)).toBe(all);
  });

  it('is what a run trains on', async () => {
    const config = (most: number) => loadConfig(undefined, { data: characterFolder, 'image.most': most });
    const [whole, some] = await Promise.all([readTrainingData(config(0)), readTrainingData(config(3))]);
    const drawn = ({ samples }: typeof some) =>
      samples.filter(({ task }) => task === 't2i_instruction').length;
    expect([drawn(whole), drawn(some)]).toEqual([12, 3]);
    expect((await some.pictures()).size).toBe(3);
    expect(some.character.images).toHaveLength(3);
    expect(some.fingerprint).not.toBe(whole.fingerprint);
  });
});

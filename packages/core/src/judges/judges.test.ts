import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend, setStrict, tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useStrictNative } from '../../test/tiny-model.js';
import { drawScene, isReservedLook } from '../data/index.js';
import { WeightStore } from '../model/weight-store.js';
import { ClipModel } from '../reward/towers/clip/clip-model.js';
import { loadClipConfig } from '../reward/towers/clip/config.js';
import { TOY_ATTRIBUTES } from './attributes-seen.js';
import { AttributeReader } from './reader/attribute-reader.js';
import { fitDrawing, type Reading } from './reader/fit-drawing.js';
import { readerLogits, readerSpecs } from './reader/network.js';
import { trainReader } from './reader/train-reader.js';
import { blurredPictures, shownIn, type ToyPicture, toyPictures } from './toy-pictures.js';
import { makeClip } from './train-judges.js';

let pictures: ToyPicture[];
let folder: string;
let tensorsBefore = 0;

beforeAll(async () => {
  useStrictNative();
  tensorsBefore = tf.memory().numTensors;
  folder = mkdtempSync(join(tmpdir(), 'judges-'));
  pictures = await toyPictures(5, 12, 128);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

const wholeReading = ({ look, scene }: ToyPicture) => ({ ...look, ...scene }) as Reading;

describe('judges of toy-world pictures', () => {
  it('learn from pictures that repeat and are of nobody in ToyScape-20', async () => {
    const again = await toyPictures(5, 12, 128);
    expect(again).toEqual(pictures);
    expect(pictures.some(({ look }) => isReservedLook(look))).toBe(false);
    expect((await toyPictures(6, 1, 128))[0]!.image.data).not.toEqual(pictures[0]!.image.data);
  });

  it('the reader computes on the native backend what plain tfjs computes', () => {
    const weights = WeightStore.fresh(readerSpecs(), 3);
    const values = Float32Array.from(pictures[0]!.image.data, (value) => value / 127.5 - 1);
    const logits = () => {
      const rows = tf.tidy(() =>
        Object.values(readerLogits(weights, tf.tensor4d(values, [1, 128, 128, 3]))).map((row) =>
          tf.keep(row),
        ),
      );
      const numbers = rows.flatMap((row) => [...row.dataSync()]);
      tf.dispose(rows);
      return numbers;
    };
    const native = logits();
    setStrict(false);
    selectBackend('cpu');
    const plain = logits();
    useStrictNative();
    expect(native).toHaveLength(126);
    native.forEach((value, i) => {
      expect(value).toBeCloseTo(plain[i]!, 3);
    });
    weights.dispose();
  });

  it('fitting by drawing mends a wrong guess, also on a blurred picture', async () => {
    const [picture] = pictures;
    const right = wholeReading(picture!);
    const guess = {
      ...right,
      species: right.species === 'cat' ? 'dog' : 'cat',
      outfit: 'nothing',
      expression: right.expression === 'sad' ? 'happy' : 'sad',
    };
    const shown = Object.entries(shownIn(picture!));
    for (const image of [picture!.image, blurredPictures([picture!])[0]!]) {
      const reading = await fitDrawing(image, guess);
      for (const [name, value] of shown)
        expect([name, reading[name as keyof Reading]]).toEqual([name, value]);
    }
  });

  it('sees what is drawn, not what was meant', async () => {
    const { look, scene } = pictures[1]!;
    const other = { ...look, colour: look.colour === 'blue' ? 'orange' : 'blue' } as typeof look;
    const reading = await fitDrawing(await drawScene(other, scene, 128), wholeReading(pictures[1]!));
    expect(reading.colour).toBe(other.colour);
  });

  it('the reader learns: less loss after a few steps, and a reading for every attribute', async () => {
    const losses: number[] = [];
    const weights = await trainReader(pictures, {
      steps: 40,
      lr: 2e-3,
      batchSize: 8,
      seed: 1,
      onStep: ({ loss }) => losses.push(loss),
    });
    expect(losses).toHaveLength(2);
    expect(losses[1]!).toBeLessThan(losses[0]!);
    const reader = AttributeReader.of(weights);
    const [guess] = reader.guess([pictures[0]!.image]);
    expect(Object.keys(guess!).sort()).toEqual([...TOY_ATTRIBUTES].sort());
    reader.dispose();
  });

  it('the nano CLIP is written in the published layout and reads its own captions', async () => {
    const recipe = { pictures: 60, steps: 2, batchSize: 4, lr: 1e-3, pictureSeed: 9, seed: 9 };
    const found = await makeClip(folder, recipe, {}, { heldOut: 20, among: 10 });
    expect(found).toBeGreaterThanOrEqual(0);
    const config = await loadClipConfig(folder);
    expect(config.vision).toMatchObject({ imageSize: 96, patch: 12, width: 96 });
    const clip = await ClipModel.load(folder);
    const ids = clip.tokenizer.encode('A picture of Juno waving at the beach');
    expect(ids.length).toBeLessThan(12);
    expect([ids[0], ids.at(-1)]).toEqual([clip.tokenizer.startId, clip.tokenizer.endId]);
    clip.dispose();
  });
});

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useStrictNative } from '../../../test/tiny-model.js';
import {
  blipFolder,
  clipFolder,
  dinoFolder,
  storeWeights,
  valuesFor,
  wavyImage,
} from '../../../test/tiny-towers.js';
import { solidImage } from '../../image/index.js';
import { writeSafetensors } from '../../tensor-io/index.js';
import { takeRows } from '../tensor-rows.js';
import { BlipModel } from './blip/blip-model.js';
import { ClipModel } from './clip/clip-model.js';
import { loadClipConfig } from './clip/config.js';
import { clipSpecs } from './clip/specs.js';
import { DinoModel } from './dino/dino-model.js';
import { LpipsModel } from './lpips/lpips-model.js';

const images = [wavyImage(0), wavyImage(1, 28, 60), wavyImage(2)];
const folders: string[] = [];
const made = async (folder: Promise<string>) => {
  folders.push(await folder);
  return folders.at(-1)!;
};
let tensorsBefore = 0;

beforeAll(() => {
  useStrictNative();
  tensorsBefore = tf.memory().numTensors;
});

/** Every test disposes its towers: none may leave a tensor behind. */
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

function expectClose(rows: readonly Float32Array[], others: readonly Float32Array[]): void {
  expect(rows.length).toBe(others.length);
  rows.forEach((row, i) => {
    row.forEach((value, k) => {
      expect(value).toBeCloseTo(others[i]![k]!, 5);
    });
  });
}

describe('CLIP', () => {
  it('gives a picture and a text the same features alone and in a batch', async () => {
    const clip = await ClipModel.load(await made(clipFolder()));
    const pixels = (batch: typeof images) =>
      takeRows(tf.tidy(() => clip.imageFeatures(clip.processor.pixels(batch))));
    expectClose(
      pixels(images),
      images.flatMap((image) => pixels([image])),
    );
    const texts = ['ab', 'a longer text about a boat', ''].map((text) => clip.tokenizer.encode(text));
    expectClose(
      takeRows(clip.textFeatures(texts)),
      texts.flatMap((ids) => takeRows(clip.textFeatures([ids]))),
    );
    clip.dispose();
  });

  it('merges pairs, ends words, and keeps the end token of texts that are too long', async () => {
    const { tokenizer } = await ClipModel.load(await made(clipFolder())).then((clip) => {
      clip.dispose();
      return clip;
    });
    const { startId, endId } = tokenizer;
    expect(tokenizer.maxLength).toBe(12);
    expect(tokenizer.encode('AB ab')).toEqual([startId, 512, 512, endId]);
    const long = tokenizer.encode('x y z x y z x y z x y z');
    expect(long).toHaveLength(12);
    expect([long[0], long.at(-1)]).toEqual([startId, endId]);
  });

  it('lists every tensor at fault', async () => {
    const folder = await made(clipFolder());
    const values = valuesFor(clipSpecs(await loadClipConfig(folder)));
    const changed = values
      .filter(({ name }) => name !== 'visual_projection.weight')
      .map((value) => (value.name === 'logit_scale' ? { ...value, shape: [1] } : value))
      .concat(
        { ...values[0]!, name: 'vision_model.extra' },
        { ...values[0]!, name: 'text_model.position_ids' },
      );
    storeWeights(folder, changed);
    const error = await ClipModel.load(folder).catch((reason: Error) => reason.message);
    expect(error).toContain('Missing (1):\n  visual_projection.weight');
    expect(error).toContain('Unexpected (1):\n  vision_model.extra');
    expect(error).toContain('Wrong shape (1):\n  logit_scale: expected [], found [1]');
  });

  it('names the field of a configuration that it cannot use', async () => {
    const activation = clipFolder((config) => ({
      ...config,
      text_config: { ...config.text_config, hidden_act: 'mish' },
    }));
    await expect(activation).rejects.toThrow(/config\.json.*text_config\/hidden_act/s);
    const heads = clipFolder((config) => ({
      ...config,
      vision_config: { ...config.vision_config, num_attention_heads: 3 },
    }));
    await expect(heads).rejects.toThrow('vision: expected a width that 3 heads divide, found 16');
  });
});

describe('DINOv2', () => {
  it.each([false, true])('gives unit features, alone and in a batch (gated: %s)', async (swiglu) => {
    const dino = await DinoModel.load(await made(dinoFolder(swiglu)));
    const features = (batch: typeof images) =>
      takeRows(tf.tidy(() => dino.features(dino.processor.pixels(batch))));
    const rows = features(images);
    for (const row of rows) expect(Math.hypot(...row)).toBeCloseTo(1, 6);
    expectClose(
      rows,
      images.flatMap((image) => features([image])),
    );
    dino.dispose();
  });
});

describe('LPIPS', () => {
  const channels = [3, 4, 6, 5, 4, 4];
  const kernels = [11, 5, 3, 3, 3];
  const indices = [0, 3, 6, 8, 10];
  const layers = (nameOf: (tap: number) => string) =>
    valuesFor(
      kernels.flatMap((kernel, tap) => [
        { name: `${nameOf(tap)}.weight`, shape: [channels[tap + 1]!, channels[tap]!, kernel, kernel] },
        { name: `${nameOf(tap)}.bias`, shape: [channels[tap + 1]!] },
      ]),
    );
  const lins = valuesFor(
    kernels.map((_, tap) => ({ name: `lin${tap}.model.1.weight`, shape: [1, channels[tap + 1]!, 1, 1] })),
  ).map((value) => ({ ...value, data: value.data.map(Math.abs) }));

  it('reads both names of the trunk, ignores the classifier, and is a distance', async () => {
    const folder = await made(dinoFolder());
    const [torchvision, lpipsPackage] = [join(folder, 'a.safetensors'), join(folder, 'b.safetensors')];
    const classifier = { ...lins[0]!, name: 'classifier.1.weight' };
    writeSafetensors(torchvision, [...layers((tap) => `features.${indices[tap]}`), ...lins, classifier]);
    writeSafetensors(lpipsPackage, [...layers((tap) => `net.slice${tap + 1}.${indices[tap]}`), ...lins]);
    const pictures = [
      wavyImage(0, 64, 64),
      wavyImage(1, 64, 64),
      solidImage(64, 64, [0, 0, 0]),
      wavyImage(0, 64, 64),
    ];
    const [one, other] = [await LpipsModel.load([torchvision]), await LpipsModel.load([lpipsPackage])];
    const { total, perTap } = one.distances(pictures);
    expect(other.distances(pictures).total).toEqual(total);
    expect([...total].every((distance) => distance >= 0 && Number.isFinite(distance))).toBe(true);
    expect([total[3], total[0], total[1] === total[4]]).toEqual([0, 0, true]);
    expect(perTap.slice(5, 10).reduce((sum, share) => sum + share, 0)).toBeCloseTo(total[1]!, 12);
    expect(() => one.distances([wavyImage(0, 64, 64), wavyImage(0, 64, 63)])).toThrow(
      'found 64x64 and 64x63',
    );
    one.dispose();
    other.dispose();
  });
});

describe('BLIP', () => {
  it('answers questions in a batch as it answers each alone', async () => {
    const blip = await BlipModel.load(await made(blipFolder()));
    const questions = ['red?', 'is it a red boats?', 'is?', 'a boat'];
    for (const image of images) {
      const picture = tf.tidy(() => blip.vision.states(blip.processor.pixels([image])));
      const together = blip.answerIds(picture, questions, 8);
      const alone = questions.map((question) => blip.answerIds(picture, [question], 8)[0]!);
      expect(together).toEqual(alone);
      picture.dispose();
    }
    blip.dispose();
  });

  it('says what is too long', async () => {
    const blip = await BlipModel.load(await made(blipFolder()));
    const picture = tf.tidy(() => blip.vision.states(blip.processor.pixels(images.slice(0, 1))));
    expect(() => blip.answerIds(picture, ['is it red? is it red? a'], 8)).toThrow(
      'at most 10 tokens, found 11',
    );
    expect(() => blip.answerIds(picture, ['is it red?'], 11)).toThrow(
      'answers: expected at most 10 tokens, found 11',
    );
    picture.dispose();
    blip.dispose();
  });
});

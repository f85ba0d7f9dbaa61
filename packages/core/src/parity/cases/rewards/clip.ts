import { tf } from '@unicharacter/native';
import { vendi } from '../../../evaluate/metrics/index.js';
import { scoped } from '../../../model/scoped.js';
import type { CropGeometry } from '../../../reward/pictures/crop.js';
import { ClipModel } from '../../../reward/towers/clip/clip-model.js';
import { unitRows } from '../../../reward/towers/unit-rows.js';
import { take, takeChannelsFirst } from '../../case.js';
import type { RewardGolden } from './golden.js';
import { channelsFirstBytes, decodeAll, floatImages } from './pictures.js';
import type { RewardRunner } from './registry.js';

async function withClip<T>(golden: RewardGolden, f: (clip: ClipModel) => T | Promise<T>): Promise<T> {
  const clip = await ClipModel.load(golden.path('clip'));
  try {
    return await f(clip);
  } finally {
    clip.dispose();
  }
}

export const clipTokenizeCase: RewardRunner = (golden, entry) =>
  withClip(golden, ({ tokenizer }) => {
    const prompts = entry.inputs.prompts as string[];
    const length = tokenizer.maxLength;
    const ids = prompts.map((prompt) => tokenizer.encode(prompt));
    const padded = (row: readonly number[], value: number) => [
      ...row,
      ...new Array<number>(length - row.length).fill(value),
    ];
    return {
      input_ids: ids.flatMap((row) => padded(row, tokenizer.endId)),
      attention_mask: ids.flatMap((row) =>
        padded(
          row.map(() => 1),
          0,
        ),
      ),
      ids_without_padding_or_truncation: prompts.map((prompt) =>
        tokenizer.encode(prompt, Number.POSITIVE_INFINITY),
      ),
    };
  });

export const clipTextCase: RewardRunner = (golden, entry) =>
  withClip(golden, (clip) => {
    const input = golden.input<tf.Tensor2D>(entry, 'input_ids');
    const texts = input.arraySync();
    input.dispose();
    const states = clip.text.states(texts);
    const ends = texts.map((ids) => clip.text.endOf(ids));
    const pooled = clip.text.pool(states, texts);
    const features = clip.textFeatures(texts);
    return {
      last_hidden_state_prompt0: take(states).slice(0, (ends[0]! + 1) * pooled.shape[1]),
      pooled: take(pooled),
      eos_position: ends,
      text_embeds: take(unitRows(features)),
      text_features: take(features),
    };
  });

/** The geometry as the manifest writes it. */
export const geometryOf = ({ width, height, left, top }: CropGeometry) => ({
  resized: [height, width],
  top,
  left,
});

export const clipRewardCase: RewardRunner = (golden, entry) =>
  withClip(golden, (clip) => {
    const images = floatImages(golden, entry);
    const prompts = entry.inputs.prompts as string[];
    return scoped(() => {
      const pixels = clip.processor.floatPixels(images);
      const states = clip.vision.states(pixels);
      const features = clip.imageFeatures(pixels);
      const embeds = unitRows(features);
      const texts = unitRows(clip.textFeatures(prompts.map((prompt) => clip.tokenizer.encode(prompt))));
      const logits = tf.mul(tf.matMul(embeds, texts, false, true), clip.scale);
      const first = tf.slice(states, [0, 0, 0], [1, -1, -1]);
      const values = take(tf.keep(tf.clone(logits)));
      return {
        geometry: geometryOf(clip.processor.floatGeometry(images[0]!)),
        pixel_values: takeChannelsFirst(tf.clone(pixels)),
        last_hidden_state_image0: take(first),
        pooled: take(clip.vision.pool(states)),
        image_features: take(tf.clone(features)),
        image_embeds: take(embeds),
        logits_per_image: values,
        reward: images.map((_, i) => values[i * images.length + i]! / 30),
      };
    });
  });

export const clipImageSimilarityCase: RewardRunner = (golden, entry) =>
  withClip(golden, (clip) =>
    scoped(() => {
      const rows = unitRows(clip.imageFeatures(clip.processor.floatPixels(floatImages(golden, entry))));
      const cosines = tf.matMul(rows, rows, false, true).arraySync() as number[][];
      const pairs = entry.inputs.pairs as [number, number][];
      return { cosine: pairs.map(([i, j]) => cosines[i]![j]!) };
    }),
  );

export const clipProcessorCase: RewardRunner = (golden, entry) =>
  withClip(golden, async (clip) => {
    const images = await decodeAll(golden, entry.inputs.images as string[]);
    const { processor } = clip;
    return scoped(() => {
      const pixels = processor.pixels(images);
      const embeds = take(unitRows(clip.imageFeatures(pixels)));
      const { score, eigenvalues } = vendi(embeds, images.length);
      return {
        geometry: images.map((image) => geometryOf(processor.geometry(image))),
        cropped_u8: channelsFirstBytes(images.map((image) => processor.crop(image))),
        pixel_values: takeChannelsFirst(pixels),
        image_embeds: embeds,
        vendi: score,
        vendi_over_group: score / images.length,
        eigenvalues_normalised: eigenvalues,
      };
    });
  });

export const vendiCase: RewardRunner = (golden, entry) => {
  const embeddings = golden.input<tf.Tensor2D>(entry, 'embeddings');
  const count = embeddings.shape[0];
  const { score, eigenvalues } = vendi(take(embeddings), count);
  return { vendi: score, vendi_over_group: score / count, eigenvalues_normalised: eigenvalues };
};

import { linear, tf } from '@unicharacter/native';
import { WeightStore } from '../../model/weight-store.js';
import { KeyedRandom } from '../../random/keyed-random.js';
import type { ClipConfig } from '../../reward/towers/clip/config.js';
import { ClipTextTower } from '../../reward/towers/clip/text-tower.js';
import type { ClipTokenizer } from '../../reward/towers/clip/tokenizer.js';
import { ClipVisionTower } from '../../reward/towers/clip/vision-tower.js';
import type { TowerWeights } from '../../reward/towers/frozen-weights.js';
import { unitRows } from '../../reward/towers/unit-rows.js';
import { type LearnSettings, learn } from '../learn.js';
import { augmentedBatch } from '../reader/augmented-batch.js';
import { JUDGE_STREAM, type ToyPicture } from '../toy-pictures.js';
import { caption } from './captions.js';
import { freshClipSpecs } from './nano-clip.js';

export interface ClipTraining extends LearnSettings {
  readonly batchSize: number;
  readonly seed: number;
}

/** Initial temperature 0.07 (Radford et al. 2021, §2.5). */
const INITIAL_LOGIT_SCALE = Math.log(1 / 0.07);
const MAX_LOGIT_SCALE = Math.log(100);

/** Sides to which pictures are shrunk between, in pixels. */
const BLURRED_SIDES = [96, 64, 56, 48] as const;

/**
 * Trains a CLIP from fresh weights with the symmetric contrastive loss (Radford et al. 2021, §2.3). Captions are worded
 * anew in every step.
 *
 * @param pictures of the side that the vision tower looks at
 * @returns the weights; the caller disposes them
 */
export async function trainClip(
  config: ClipConfig,
  tokenizer: ClipTokenizer,
  pictures: readonly ToyPicture[],
  settings: ClipTraining,
): Promise<WeightStore> {
  const { batchSize, seed } = settings;
  const store = WeightStore.fresh(freshClipSpecs(config), seed);
  try {
    const variables = store.variables();
    tf.tidy(() => variables.get('logit_scale')!.assign(tf.scalar(INITIAL_LOGIT_SCALE)));
    const features = clipTowers(config, store);
    await learn(variables, settings, (step) => {
      const random = new KeyedRandom(seed, JUDGE_STREAM.batch, [step]);
      const batch = Array.from({ length: batchSize }, () => pictures[random.integer(pictures.length)]!);
      const words = new KeyedRandom(seed, JUDGE_STREAM.captions, [step]);
      const texts = batch.map((picture) => tokenizer.encode(caption(picture, words)));
      const pixels = augmentedBatch(
        batch.map(({ image }) => image),
        BLURRED_SIDES,
        seed,
        step,
      );
      return {
        losses: () => contrastiveLoss(features, store.tensor('logit_scale'), pixels, texts),
        dispose: () => pixels.dispose(),
      };
    });
    return store;
  } catch (error) {
    store.dispose();
    throw error;
  }
}

interface Features {
  pictures(pixels: tf.Tensor4D): tf.Tensor2D;
  texts(ids: readonly (readonly number[])[]): tf.Tensor2D;
}

/** Both towers on trainable weights, with unit rows at their ends. */
function clipTowers(config: ClipConfig, store: WeightStore): Features {
  const weights: TowerWeights = {
    get: (name) => store.tensor(name),
    linear: (name) => store.linear(name),
    affine: (name) => store.affine(name),
  };
  const vision = new ClipVisionTower(config.vision, weights);
  const text = new ClipTextTower(config.text, weights);
  return {
    pictures: (pixels) =>
      unitRows(linear(vision.pool(vision.states(pixels)), weights.get('visual_projection.weight'))),
    texts: (ids) => unitRows(linear(text.pool(text.states(ids), ids), weights.get('text_projection.weight'))),
  };
}

function contrastiveLoss(
  features: Features,
  logitScale: tf.Scalar,
  pixels: tf.Tensor4D,
  texts: readonly (readonly number[])[],
) {
  return tf.tidy(() => {
    const scale = tf.exp(tf.minimum(logitScale, MAX_LOGIT_SCALE));
    const logits = tf.mul(linear(features.pictures(pixels), features.texts(texts)), scale) as tf.Tensor2D;
    const own = tf.eye(texts.length);
    const towards = (rows: tf.Tensor2D) => tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(rows), own), 1)));
    const loss = tf.mul(
      tf.add(towards(logits), towards(tf.transpose(logits) as tf.Tensor2D)),
      0.5,
    ) as tf.Scalar;
    return { loss, parts: tf.reshape(loss, [1]) as tf.Tensor1D };
  });
}

import { tf } from '@unicharacter/native';
import { ATTRIBUTE_VALUES, type ToyAttribute } from '../../data/toy-world/index.js';
import { WeightStore } from '../../model/weight-store.js';
import { KeyedRandom } from '../../random/keyed-random.js';
import { TOY_ATTRIBUTES } from '../attributes-seen.js';
import { type LearnSettings, learn } from '../learn.js';
import { JUDGE_STREAM, shownIn, type ToyPicture } from '../toy-pictures.js';
import { augmentedBatch } from './augmented-batch.js';
import { readerLogits, readerSpecs } from './network.js';

export interface ReaderTraining extends LearnSettings {
  readonly batchSize: number;
  readonly seed: number;
}

/** Sides to which pictures are shrunk between, in pixels. */
const BLURRED_SIDES = [96, 64, 56] as const;

/**
 * Trains an attribute reader from fresh weights: mean cross-entropy over the attributes that each picture shows.
 *
 * @param pictures of the side that the reader looks at
 * @returns the weights; the caller disposes them
 */
export async function trainReader(
  pictures: readonly ToyPicture[],
  settings: ReaderTraining,
): Promise<WeightStore> {
  const { batchSize, seed } = settings;
  const weights = WeightStore.fresh(readerSpecs(), seed);
  try {
    await learn(weights.variables(), settings, (step) => {
      const random = new KeyedRandom(seed, JUDGE_STREAM.batch, [step]);
      const batch = Array.from({ length: batchSize }, () => pictures[random.integer(pictures.length)]!);
      const pixels = augmentedBatch(
        batch.map(({ image }) => image),
        BLURRED_SIDES,
        seed,
        step,
      );
      return { losses: () => readerLoss(weights, pixels, batch), dispose: () => pixels.dispose() };
    });
    return weights;
  } catch (error) {
    weights.dispose();
    throw error;
  }
}

function readerLoss(weights: WeightStore, pixels: tf.Tensor4D, batch: readonly ToyPicture[]) {
  return tf.tidy(() => {
    const logits = readerLogits(weights, pixels);
    const shown = batch.map(shownIn);
    const parts = TOY_ATTRIBUTES.map((name) =>
      attributeLoss(
        logits[name],
        name,
        shown.map((seen) => seen[name]),
      ),
    );
    const loss = tf.mean(tf.stack(parts)) as tf.Scalar;
    return { loss, parts: tf.reshape(loss, [1]) as tf.Tensor1D };
  });
}

/** Mean cross-entropy over the pictures that show the attribute; 0 when none does. */
function attributeLoss(
  logits: tf.Tensor2D,
  name: ToyAttribute,
  values: readonly (string | undefined)[],
): tf.Scalar {
  const options = ATTRIBUTE_VALUES[name];
  const known = values.filter((value) => value !== undefined).length;
  const targets = tf.tensor2d(
    values.flatMap((value) => options.map((option) => (option === value ? 1 / Math.max(1, known) : 0))),
    [values.length, options.length],
  );
  return tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), targets))) as tf.Scalar;
}

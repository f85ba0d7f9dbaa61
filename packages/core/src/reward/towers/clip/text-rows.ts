import { tf } from '@unicharacter/native';
import { inBatches } from '../../in-batches.js';
import { takeRows } from '../../tensor-rows.js';
import { unitRows } from '../unit-rows.js';
import type { ClipModel } from './clip-model.js';

/** Texts per pass of the text tower. */
const BATCH = 16;

/** Projected text features of CLIP as unit vectors: their product with a picture's is the cosine. */
export function clipTextRows(clip: ClipModel, texts: readonly string[]): Float32Array[] {
  return inBatches(texts, BATCH, (batch) =>
    takeRows(tf.tidy(() => unitRows(clip.textFeatures(batch.map((text) => clip.tokenizer.encode(text)))))),
  );
}

import { cachedAttention, tf, withAutocast } from '@unicharacter/native';
import { gridPositions } from '../image/index.js';
import type { MarkerIds } from './encoded-sample.js';
import { KvContext } from './kv-cache.js';
import { KvRows } from './kv-rows.js';
import type { Attend, ExpertSlices } from './mot-transformer.js';
import type { UnifiedModel } from './unified-model.js';
import { imageAttention } from './vision-tower.js';

/** A text that goes beyond the positions of the model. */
export class ContextLengthError extends RangeError {
  override name = 'ContextLengthError';
}

/** An image as ViT patches (spec 2.9). */
export interface PatchGrid {
  /** [rows · columns, patch² · 3] */
  readonly patches: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/** Runs in the model's inference precision and frees everything but the result. */
function compute<T extends tf.TensorContainer>(model: UnifiedModel, f: () => T): T {
  return withAutocast(model.inferencePrecision, () => tf.tidy(f));
}

/** A context that has read nothing. */
export function emptyContext(model: UnifiedModel): KvContext {
  return KvContext.empty(model.config.llm, model.inferencePrecision === 'bf16' ? 'bfloat16' : 'float32');
}

/** Attention to the past of a context and to the chunk itself. With `append` the chunk becomes part of the past. */
function attendTo(context: KvContext, causal: boolean, append: boolean): Attend {
  return (layer, q, k, v) => {
    const y = cachedAttention(q, k, v, context.past(layer), causal);
    if (append) context.write(layer, k, v);
    return y;
  };
}

/**
 * Reads token ids into the context, markers included by the caller: causal, consecutive positions (spec 2.7, 2.8).
 *
 * @returns final hidden states [ids, hidden]; the caller disposes them
 * @throws ContextLengthError before anything is read when the context is full
 */
export function feedTokens(model: UnifiedModel, context: KvContext, ids: ArrayLike<number>): tf.Tensor2D {
  const count = ids.length;
  checkPositions(model, context, count);
  context.reserve(count);
  const hidden = compute(model, () => {
    const tokens = tf.tensor1d(Int32Array.from(ids), 'int32');
    const positions = tf.tensor1d(
      Int32Array.from(ids, (_, i) => context.ropePosition + i),
      'int32',
    );
    const attend = attendTo(context, true, true);
    return model.transformer.forward({ und: model.embedText(tokens), gen: null }, positions, attend)
      .und as tf.Tensor2D;
  });
  context.commit(count, count);
  return hidden;
}

/**
 * Reads one id into each of several contexts on one pool, in one pass: the decoding step of a batch. Every row gets the
 * numbers that `feedTokens` gives it alone, up to rounding.
 *
 * @returns final hidden states [ids, hidden]; the caller disposes them
 * @throws ContextLengthError before anything is read when a context is full; RangeError for contexts on several pools
 */
export function feedRows(
  model: UnifiedModel,
  contexts: readonly KvContext[],
  ids: readonly number[],
): tf.Tensor2D {
  const [only] = contexts;
  if (only && contexts.length === 1) return feedTokens(model, only, ids);
  for (const context of contexts) checkPositions(model, context, 1);
  const rows = new KvRows(contexts);
  const hidden = compute(model, () => {
    const und = model.embedText(tf.tensor1d(Int32Array.from(ids), 'int32'));
    const positions = tf.tensor1d(
      Int32Array.from(contexts, ({ ropePosition }) => ropePosition),
      'int32',
    );
    const attend: Attend = (layer, q, k, v) => rows.attend(layer, q, k, v);
    return model.transformer.forward({ und, gen: null }, positions, attend).und as tf.Tensor2D;
  });
  rows.commit();
  return hidden;
}

function checkPositions(model: UnifiedModel, { ropePosition }: KvContext, count: number): void {
  const { maxPositions } = model.config.llm;
  if (ropePosition + count <= maxPositions) return;
  throw new ContextLengthError(
    `the text needs ${ropePosition + count} positions, the model has ${maxPositions}; shorten it`,
  );
}

/** Logits [hidden rows, vocabulary] of final hidden states from `feedTokens`. */
export function inferLogits(model: UnifiedModel, hidden: tf.Tensor2D): tf.Tensor2D {
  return compute(model, () => model.logits(hidden));
}

/** Reads an image through the vision tower: markers and patches share one position and see each other (spec 4.2). */
export function feedPatches(
  model: UnifiedModel,
  context: KvContext,
  image: PatchGrid,
  markers: MarkerIds,
): void {
  const { patchSize, channels, patchesPerSide } = model.config.vit;
  const count = image.rows * image.columns;
  const layout = imageAttention([count]);
  context.reserve(count + 2);
  try {
    compute(model, () => {
      const tokens = model.vision.tokens({
        patches: tf.tensor2d(image.patches, [count, patchSize * patchSize * channels]),
        positions: tf.tensor1d(gridPositions(image.rows, image.columns, patchesPerSide), 'int32'),
        layout,
      });
      const [soi, eoi] = markerEmbeddings(model, markers);
      const und = tf.concat([soi, tokens, eoi], 0) as tf.Tensor2D;
      readImage(model, context, { und, gen: null }, count + 2);
    });
  } finally {
    layout.dispose();
  }
  context.commit(count + 2, 1);
}

/**
 * Reads a clean picture as latents, time step 0 (spec 2.5, 2.11).
 *
 * @param latents [rows · columns, token width], scaled
 */
export function feedLatents(
  model: UnifiedModel,
  context: KvContext,
  latents: tf.Tensor2D,
  rows: number,
  columns: number,
  markers: MarkerIds,
): void {
  const count = rows * columns;
  context.reserve(count + 2);
  compute(model, () => {
    const positions = tf.tensor1d(gridPositions(rows, columns, model.config.latent.maxSide), 'int32');
    const und = tf.concat(markerEmbeddings(model, markers), 0) as tf.Tensor2D;
    const gen = model.embedLatents(latents, model.embedTimes([0]), positions);
    readImage(model, context, { und, gen }, count + 2);
  });
  context.commit(count + 2, 1);
}

function readImage(model: UnifiedModel, context: KvContext, slices: ExpertSlices, count: number): void {
  const positions = tf.fill([count], context.ropePosition, 'int32') as tf.Tensor1D;
  model.transformer.forward(slices, positions, attendTo(context, false, true));
}

function markerEmbeddings(model: UnifiedModel, { soi, eoi }: MarkerIds): [tf.Tensor2D, tf.Tensor2D] {
  const embed = (id: number) => model.embedText(tf.tensor1d([id], 'int32'));
  return [embed(soi), embed(eoi)];
}

/** The velocity of a picture of a given size under a context: what flow sampling integrates (spec 5.3). */
export class VelocityField {
  readonly rows: number;
  readonly columns: number;
  readonly #model: UnifiedModel;
  readonly #markers: tf.Tensor2D;
  readonly #positions: tf.Tensor1D;

  /** @throws RangeError when the picture does not fit the latent position table */
  constructor(model: UnifiedModel, markers: MarkerIds, rows: number, columns: number) {
    this.rows = rows;
    this.columns = columns;
    this.#model = model;
    const ids = gridPositions(rows, columns, model.config.latent.maxSide);
    this.#markers = tf.keep(tf.tidy(() => tf.concat(markerEmbeddings(model, markers), 0) as tf.Tensor2D));
    this.#positions = tf.keep(tf.tensor1d(ids, 'int32'));
  }

  /**
   * Velocity [rows · columns, token width] at state `x` and time `t` in [0, 1], without guidance. The context only
   * supplies the past; nothing is added to it.
   */
  at(context: KvContext, x: tf.Tensor2D, t: number): tf.Tensor2D {
    const model = this.#model;
    return compute(model, () => {
      const gen = model.embedLatents(x, model.embedTimes([t]), this.#positions);
      const count = this.rows * this.columns + 2;
      const positions = tf.fill([count], context.ropePosition, 'int32') as tf.Tensor1D;
      const slices = { und: this.#markers, gen };
      const hidden = model.transformer.forward(slices, positions, attendTo(context, false, false));
      return model.velocities(hidden.gen as tf.Tensor2D);
    });
  }

  dispose(): void {
    this.#markers.dispose();
    this.#positions.dispose();
  }
}

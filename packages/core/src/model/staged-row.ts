import { AttentionLayout, tf } from '@unicharacter/native';
import type { ModelConfig } from './config.js';
import { attentionArrays, type LatentImage, type PackedRow } from './pack-row.js';
import { imageAttention } from './vision-tower.js';

/** The tensors of a packed row on the backend. The caller owns them: gradients need them after the forward pass. */
export interface StagedRow {
  /** int32 [text tokens] */
  readonly textIds: tf.Tensor1D;
  /** int32 [tokens] in memory order: text, patches, latents */
  readonly positions: tf.Tensor1D;
  readonly layout: AttentionLayout;
  readonly vit: {
    readonly patches: tf.Tensor2D;
    readonly positions: tf.Tensor1D;
    readonly layout: AttentionLayout;
  } | null;
  readonly latents: {
    /** [latent tokens, token width], clean */
    readonly clean: tf.Tensor2D;
    /** Posterior deviations, same shape */
    readonly deviations: tf.Tensor2D | null;
    /** int32 [latent tokens] in the position table */
    readonly positions: tf.Tensor1D;
    /** int32 [latent tokens] */
    readonly imageOf: tf.Tensor1D;
    readonly images: readonly LatentImage[];
    /** int32 [targets] latent tokens that carry the loss */
    readonly targets: tf.Tensor1D | null;
  } | null;
  /** int32 [predictions] place among the text tokens, and the id to predict */
  readonly ce: { readonly rows: tf.Tensor1D; readonly labels: tf.Tensor1D } | null;
  dispose(): void;
}

/** Uploads a packed row. Call `dispose` when the gradients of the step have been taken. */
export function stageRow(row: PackedRow, config: ModelConfig): StagedRow {
  const owned: { dispose(): void }[] = [];
  const own = <T extends { dispose(): void }>(value: T): T => {
    owned.push(value);
    return value;
  };
  const ints = (values: Int32Array) => own(tf.keep(tf.tensor1d(values, 'int32')));
  const floats = (values: Float32Array, width: number) =>
    own(tf.keep(tf.tensor2d(values, [values.length / width, width])));
  const { vit, latent } = config;
  return {
    textIds: ints(row.textIds),
    positions: ints(Int32Array.from(row.order, (r) => row.positions[r] as number)),
    layout: own(new AttentionLayout(attentionArrays(row))),
    vit:
      row.patchesPerImage.length === 0
        ? null
        : {
            patches: floats(row.patches, vit.patchSize ** 2 * vit.channels),
            positions: ints(row.patchPositions),
            layout: own(imageAttention(row.patchesPerImage)),
          },
    latents:
      row.latentImages.length === 0
        ? null
        : {
            clean: floats(row.latents, latent.tokenDim),
            deviations: row.latentDeviations && floats(row.latentDeviations, latent.tokenDim),
            positions: ints(row.latentPositions),
            imageOf: ints(row.latentImageOf),
            images: row.latentImages,
            targets: row.mseRows.length === 0 ? null : ints(row.mseRows),
          },
    ce: row.ceRows.length === 0 ? null : { rows: ints(row.ceRows), labels: ints(row.ceLabels) },
    dispose: () => {
      for (const value of owned) value.dispose();
    },
  };
}

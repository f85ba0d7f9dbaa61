import { tf } from '@unicharacter/native';
import { inBatches } from './in-batches.js';
import type { RewardModel, RewardSample } from './reward-model.js';
import { dot, takeRows } from './tensor-rows.js';
import type { ClipModel } from './towers/clip/clip-model.js';
import { clipTextRows } from './towers/clip/text-rows.js';
import { unitRows } from './towers/unit-rows.js';

/** Divides the logit of CLIP, so that a cosine of 0.3 gives about 1 in the published model. */
const LOGIT_DIVISOR = 30;

/** Pictures per pass of the vision tower. */
const BATCH = 16;

/** Texts whose features are kept: far more than a run has prompts. */
const CACHED_TEXTS = 4096;

/**
 * Alignment of picture and prompt: `exp(logit_scale) · cos / 30` of CLIP, unbounded below (rewards specification §3.3).
 * Pictures stay in float. Takes over the model and disposes it. Details: `cosine`, and `truncatedPrompt` when CLIP did
 * not read the whole prompt.
 */
export function alignmentReward(clip: ClipModel, name = 'clip_t'): RewardModel {
  const texts = new Map<string, Float32Array>();

  function textFeature(prompt: string): Float32Array {
    const known = texts.get(prompt);
    if (known) return known;
    const [row] = clipTextRows(clip, [prompt]);
    if (texts.size >= CACHED_TEXTS) texts.delete(texts.keys().next().value as string);
    texts.set(prompt, row!);
    return row!;
  }

  const imageFeatures = (batch: readonly RewardSample[]) =>
    takeRows(
      tf.tidy(() =>
        unitRows(clip.imageFeatures(clip.processor.floatPixels(batch.map(({ image }) => image)))),
      ),
    );

  return {
    name,
    provenance: { tower: 'CLIP', weights: clip.sha256, scale: clip.scale, divisor: LOGIT_DIVISOR },
    async score(samples) {
      const images = inBatches(samples, BATCH, imageFeatures);
      const cosines = samples.map(({ prompt }, i) => dot(images[i]!, textFeature(prompt)));
      return {
        values: Float64Array.from(cosines, (cosine) => (clip.scale * cosine) / LOGIT_DIVISOR),
        details: samples.map(({ prompt }, i) => {
          const tokens = clip.tokenizer.encode(prompt, Number.POSITIVE_INFINITY).length;
          const cut = tokens > clip.tokenizer.maxLength ? { truncatedPrompt: true } : {};
          return { cosine: cosines[i]!, ...cut };
        }),
      };
    },
    dispose: () => clip.dispose(),
  };
}

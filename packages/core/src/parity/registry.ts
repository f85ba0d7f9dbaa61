import type { CaseRunner } from './case.js';
import { drawingCase } from './cases/drawing.js';
import { imageCase } from './cases/images.js';
import { optimizerCase } from './cases/optimizer.js';
import { rolloutCase, stochasticStepCase } from './cases/stochastic-flow.js';
import { textCase } from './cases/text.js';
import { tokenizerCase } from './cases/tokenizer.js';
import { trainCase } from './cases/train.js';
import { vaeDecodeCase, vaeEncodeCase } from './cases/vae.js';
import { visionCase } from './cases/vision.js';
import type { Weights } from './golden.js';

const RUNNERS: readonly (readonly [pattern: RegExp, runner: CaseRunner])[] = [
  [/^tokenizer$/, tokenizerCase],
  [/^image_/, imageCase],
  [/^vit(_|$)/, visionCase],
  [/^vae_encode/, vaeEncodeCase],
  [/^vae_decode/, vaeDecodeCase],
  [/^text_/, textCase],
  [/^(t2i|edit|variant)_/, drawingCase],
  [/^train_pack$/, trainCase],
  [/^adamw_/, optimizerCase],
  [/^sde_step$/, stochasticStepCase],
  [/^grpo_rollout_/, rolloutCase],
];

/** How a case is computed; undefined for a case that is not supported. */
export function runnerOf(id: string): CaseRunner | undefined {
  return RUNNERS.find(([pattern]) => pattern.test(id))?.[1];
}

const VARIANTS: Readonly<Record<string, Weights>> = {
  variant_grpo_lm_only: 'grpo-lm-only',
  variant_fp32_no_pos_embed: 'full-fp32-no-pos-embed',
};

/** The weights that a case runs with. */
export function weightsOf(id: string): Weights {
  return VARIANTS[id] ?? 'checkpoint';
}

import type { CaseRunner } from './case.js';
import { advantageCase } from './cases/advantages.js';
import { datasetPromptCase } from './cases/dataset-prompts.js';
import { drawingCase } from './cases/drawing.js';
import { imageCase } from './cases/images.js';
import { optimizerCase } from './cases/optimizer.js';
import { policyCase } from './cases/policy.js';
import { rolloutCase, stochasticStepCase } from './cases/stochastic-flow.js';
import { textCase } from './cases/text.js';
import { tokenizerCase } from './cases/tokenizer.js';
import { trainCase } from './cases/train.js';
import { vaeDecodeCase, vaeEncodeCase } from './cases/vae.js';
import { visionCase } from './cases/vision.js';
import type { WeightFiles, Weights } from './golden.js';

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
  [/^grpo_/, policyCase],
  [/^advantages_/, advantageCase],
  [/^dataset_prompts$/, datasetPromptCase],
];

/** How a case is computed. @throws Error for a case that this version does not know */
export function runnerOf(id: string): CaseRunner {
  const runner = RUNNERS.find(([pattern]) => pattern.test(id))?.[1];
  if (!runner) throw new Error(`no case like "${id}" is known; the reference numbers are of a newer format`);
  return runner;
}

const VARIANTS: Readonly<Record<string, WeightFiles>> = {
  variant_grpo_lm_only: 'grpo-lm-only',
  variant_fp32_no_pos_embed: 'full-fp32-no-pos-embed',
};

/** Cases that take gradients of the weights. */
const TRAINING = new Set<CaseRunner>([trainCase, policyCase]);

/** The weights that a case runs with. */
export function weightsOf(id: string): Weights {
  return { files: VARIANTS[id] ?? 'checkpoint', trainable: TRAINING.has(runnerOf(id)) };
}

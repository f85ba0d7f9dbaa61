import type { TrainConfig } from '../config/index.js';
import type { LoraSettings } from '../model/index.js';

/** The adapter that a configuration asks for. */
export function loraSettings(lora: TrainConfig['sft']['train']['lora']): LoraSettings {
  const { rank, alpha, rankStabilised, dora, und, gen } = lora;
  return { rank, alpha, rankStabilised, dora, targets: { und, gen } };
}

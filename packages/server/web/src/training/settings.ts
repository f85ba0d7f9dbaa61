import type { JobWish } from '../api/jobs.js';

/** What somebody chooses for a training; texts of number fields, '' for the server's default. */
export interface Settings {
  readonly model: string;
  /** Character-GRPO after Unified-SFT. */
  readonly rewards: boolean;
  readonly epochs: string;
  readonly batch: string;
  readonly rate: string;
  readonly seed: string;
  /** JSON of further options. */
  readonly config: string;
}

export const defaultSettings = (model: string): Settings => ({
  model,
  rewards: false,
  epochs: '',
  batch: '',
  rate: '',
  seed: '',
  config: '',
});

/** The request that a character be trained so. @throws Error when the further options are no JSON object */
export function wishOf(character: string, settings: Settings): JobWish {
  const { model, rewards, epochs, batch, rate, seed, config } = settings;
  const hyperparameters = {
    ...chosen('n_epochs', epochs),
    ...chosen('batch_size', batch),
    ...chosen('learning_rate_multiplier', rate),
  };
  const type = rewards ? 'reinforcement' : 'supervised';
  return {
    model,
    character,
    method: { type, [type]: { hyperparameters } },
    ...chosen('seed', seed),
    ...(config.trim() === '' ? {} : { config: optionsOf(config) }),
  };
}

const chosen = (name: string, text: string): Record<string, number> =>
  text.trim() === '' ? {} : { [name]: Number(text) };

function optionsOf(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Told below, as for JSON of another kind.
  }
  throw new Error('Further options: expected a JSON object such as {"sft.steps": 200}.');
}

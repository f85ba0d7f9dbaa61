import { join } from 'node:path';
import type { TrainConfig } from '../config/index.js';
import type { Character } from '../data/index.js';
import type { CharacterEngine } from './character-engine.js';
import { openEngine } from './open-engine.js';
import { RunError } from './run-error.js';
import { VAE_FILE } from './run-folder.js';
import { baseWeights } from './run-model.js';

/**
 * Opens a base model as it is, to talk and draw as a character that it knows from its prompt alone.
 * @param generate how words and pictures are made
 * @throws RunError when the folder has no weights; ModelConfigError and WeightsError as the loaders
 */
export function openBase(
  folder: string,
  character: Character,
  generate: TrainConfig['generate'],
): CharacterEngine {
  if (!baseWeights(folder)) {
    throw new RunError(
      `${folder}: expected the folder of a pre-trained model, found no weights; such as models/nano-toy`,
    );
  }
  const weights = { base: folder, checkpoints: [] };
  return openEngine({ character, folder, weights, vae: join(folder, VAE_FILE), generate });
}

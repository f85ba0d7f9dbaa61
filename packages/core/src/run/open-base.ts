import { join } from 'node:path';
import { selectBackend } from '@unicharacter/native';
import type { TrainConfig } from '../config/index.js';
import type { Character } from '../data/index.js';
import { FlowVae, loadModelConfig } from '../model/index.js';
import { loadTokenizer } from '../tokenizer/index.js';
import { CharacterEngine } from './character-engine.js';
import { RunError } from './run-error.js';
import { baseWeights, loadRunModel } from './run-model.js';

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
  const config = loadModelConfig(folder);
  const tokenizer = loadTokenizer(folder);
  const vae = FlowVae.load(config.vae, join(folder, 'ae.safetensors'), { trainable: 'none' });
  selectBackend('native');
  const loaded = loadRunModel(config, { base: folder, checkpoints: [], means: true, trainable: 'none' });
  const release = () => {
    loaded.dispose();
    vae.dispose();
  };
  return new CharacterEngine(character, { model: loaded.model, vae, tokenizer }, generate, release);
}

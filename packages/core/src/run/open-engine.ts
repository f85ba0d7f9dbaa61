import { selectBackend } from '@unicharacter/native';
import type { TrainConfig } from '../config/index.js';
import type { Character, PromptTemplates } from '../data/index.js';
import { Scheduler } from '../generate/index.js';
import { FlowVae, loadModelConfig } from '../model/index.js';
import { loadTokenizer } from '../tokenizer/index.js';
import { CharacterEngine } from './character-engine.js';
import { loadRunModel, type RunModelSources } from './run-model.js';

/** Of earlier prompts, kept for those that begin like them: the profile and some dozen conversations. */
const PREFIX_TOKENS = 16_384;

/** What a character talks and draws with, and where it lies. */
export interface EngineParts {
  readonly character: Character;
  /** Folder with the JSON files of model and tokenizer. */
  readonly folder: string;
  readonly weights: Pick<RunModelSources, 'base' | 'checkpoints'>;
  /** Weights of the autoencoder. */
  readonly vae: string;
  /** How words and pictures are made. */
  readonly generate: TrainConfig['generate'];
  /** The project's own wording of prompts unless told. */
  readonly templates?: PromptTemplates;
}

/** Loads frozen weights for talking and drawing. @throws ModelConfigError and WeightsError as the loaders */
export function openEngine({
  character,
  folder,
  weights,
  vae: vaeFile,
  ...rest
}: EngineParts): CharacterEngine {
  selectBackend('native');
  const config = loadModelConfig(folder);
  const tokenizer = loadTokenizer(folder);
  const loaded = loadRunModel(config, { ...weights, means: true, trainable: 'none' });
  const { model } = loaded;
  try {
    const vae = FlowVae.load(config.vae, vaeFile, { trainable: 'none' });
    const scheduler = new Scheduler({ model, tokenizer }, PREFIX_TOKENS);
    const release = () => {
      scheduler.dispose();
      loaded.dispose();
      vae.dispose();
    };
    const models = { model, vae, tokenizer, scheduler };
    return new CharacterEngine(character, models, rest.generate, release, rest.templates);
  } catch (error) {
    loaded.dispose();
    throw error;
  }
}

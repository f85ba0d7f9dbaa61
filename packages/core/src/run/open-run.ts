import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { selectBackend } from '@unicharacter/native';
import { ownTemplates, type PromptTemplates, readTemplates, TEMPLATES_FILE } from '../data/index.js';
import { Scheduler } from '../generate/index.js';
import { FlowVae, loadModelConfig } from '../model/index.js';
import { loadTokenizer } from '../tokenizer/index.js';
import { CharacterEngine } from './character-engine.js';
import { resolvedConfig } from './resolved-config.js';
import { RunError } from './run-error.js';
import { RunFolder } from './run-folder.js';
import { loadRunModel } from './run-model.js';
import { storedCharacter } from './stored-character.js';

/** Of earlier prompts, kept for those that begin like them: the profile and some dozen conversations. */
const PREFIX_TOKENS = 16_384;

/**
 * Opens the newest checkpoint of a run for talking and drawing.
 * @throws RunError when there is no such run or it has no checkpoint yet; WeightsError when its files do not fit together
 */
export async function openRun(dir: string): Promise<CharacterEngine> {
  const run = new RunFolder(dir);
  if (!existsSync(dir)) {
    throw new RunError(
      `${dir}: expected the folder of a training run, found nothing; train a character first`,
    );
  }
  const config = resolvedConfig(run);
  const checkpoint = run.checkpoints.latest();
  if (!checkpoint || !existsSync(run.vae)) {
    throw new RunError(
      `${dir}: training has not reached its first checkpoint yet; train again with the same configuration to go on`,
    );
  }
  const character = storedCharacter(run);
  selectBackend('native');
  const modelConfig = loadModelConfig(dir);
  const tokenizer = loadTokenizer(dir);
  const later = [run.grpo, run.textGrpo].flatMap((stage) => stage.latest()?.path ?? []);
  const loaded = loadRunModel(modelConfig, {
    base: config.base,
    checkpoints: [checkpoint.path, ...later],
    means: true,
    trainable: 'none',
  });
  const { model } = loaded;
  try {
    const vae = FlowVae.load(modelConfig.vae, run.vae, { trainable: 'none' });
    const scheduler = new Scheduler({ model, tokenizer }, PREFIX_TOKENS);
    const release = () => {
      scheduler.dispose();
      loaded.dispose();
      vae.dispose();
    };
    const models = { model, vae, tokenizer, scheduler };
    return new CharacterEngine(character, models, config.generate, release, runTemplates(dir));
  } catch (error) {
    loaded.dispose();
    throw error;
  }
}

/** The wording of prompts that lies in the run, or the project's own. */
function runTemplates(dir: string): PromptTemplates {
  const file = join(dir, TEMPLATES_FILE);
  return existsSync(file) ? readTemplates(file) : ownTemplates;
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { selectBackend } from '@unicharacter/native';
import { FlowVae, loadModelConfig, UnifiedModel } from '../model/index.js';
import { loadTokenizer } from '../tokenizer/index.js';
import { CharacterEngine } from './character-engine.js';
import { resolvedConfig } from './resolved-config.js';
import { RunError } from './run-error.js';
import { RunFolder } from './run-folder.js';
import { storedCharacter } from './stored-character.js';

/** Weights of a checkpoint in order of preference: the running mean, then the last values. */
const WEIGHTS = ['ema.safetensors', 'model.safetensors'] as const;

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
  const weights = WEIGHTS.map((name) => join(checkpoint.path, name)).find((path) => existsSync(path));
  if (!weights) throw new RunError(`${checkpoint.path}: expected ${WEIGHTS.join(' or ')}, found neither`);
  const model = UnifiedModel.load(modelConfig, weights);
  try {
    const vae = FlowVae.load(modelConfig.vae, run.vae);
    return new CharacterEngine(character, { model, vae, tokenizer }, config.generate, () => {
      model.dispose();
      vae.dispose();
    });
  } catch (error) {
    model.dispose();
    throw error;
  }
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ownTemplates, type PromptTemplates, readTemplates, TEMPLATES_FILE } from '../data/index.js';
import type { CharacterEngine } from './character-engine.js';
import { openEngine } from './open-engine.js';
import { resolvedConfig } from './resolved-config.js';
import { RunError } from './run-error.js';
import { RunFolder } from './run-folder.js';
import { storedCharacter } from './stored-character.js';

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
  const later = [run.grpo, run.textGrpo].flatMap((stage) => stage.latest()?.path ?? []);
  return openEngine({
    character: storedCharacter(run),
    folder: dir,
    weights: { base: config.base, checkpoints: [checkpoint.path, ...later] },
    vae: run.vae,
    generate: config.generate,
    templates: runTemplates(dir),
  });
}

/** The wording of prompts that lies in the run, or the project's own. */
function runTemplates(dir: string): PromptTemplates {
  const file = join(dir, TEMPLATES_FILE);
  return existsSync(file) ? readTemplates(file) : ownTemplates;
}

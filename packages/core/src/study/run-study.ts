import { cpSync, existsSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { loadConfig, type TrainConfig } from '../config/index.js';
import { type Evaluation, evaluateRun, type Judges, type TaskProgress } from '../evaluate/index.js';
import { AbortedError } from '../generate/index.js';
import type { TrainEvent } from '../run/index.js';
import { trainCharacter } from '../train/index.js';
import type { Study, StudyVariant } from './study-file.js';

export interface StudyHooks {
  readonly signal?: AbortSignal | undefined;
  /** Called before a variant is trained for a character. */
  readonly onRun?: ((variant: string, character: string) => void) | undefined;
  readonly onTrain?: ((event: TrainEvent) => void) | undefined;
  readonly onTask?: ((progress: TaskProgress) => void) | undefined;
}

/** The evaluations of one variant, one per character. */
export interface VariantResult {
  readonly variant: string;
  readonly evaluations: readonly Evaluation[];
  /** Seconds of training per character, stages that it goes on from included. */
  readonly trainingSeconds: number;
}

/**
 * Trains and evaluates every variant for every character, character by character. Stopped or killed, it goes on when it is
 * called again: finished runs and stored results are used as they are.
 *
 * @throws AbortedError when the signal is aborted; errors of training and evaluation as they are
 */
export async function runStudy(
  study: Study,
  judges: Judges,
  { signal, onRun, onTrain, onTask }: StudyHooks = {},
): Promise<VariantResult[]> {
  const results = study.variants.map(({ name }) => ({
    variant: name,
    evaluations: [] as Evaluation[],
    seconds: 0,
  }));
  for (const data of study.characters) {
    for (const [i, variant] of study.variants.entries()) {
      onRun?.(variant.name, basename(data));
      const { seconds, ...model } = await trained(study, variant, data, { signal, onTrain });
      results[i]!.seconds += seconds;
      const out = join(runOf(study, variant.name, data), EVALUATION);
      const options = { ...model, data, out, ...study.evaluation };
      results[i]!.evaluations.push(await evaluateRun(options, judges, { signal, onTask }));
    }
  }
  return results.map(({ seconds, ...result }) => ({
    ...result,
    trainingSeconds: seconds / study.characters.length,
  }));
}

/** Folder of an evaluation in its run. */
const EVALUATION = 'evaluation';

/** Folder of the run of a variant for a character. */
export const runOf = ({ out }: Study, variant: string, data: string) =>
  join(out, 'runs', variant, basename(data));

/** What a variant is trained with for a character. @throws ConfigError naming every option that is wrong */
export const variantConfig = (study: Study, { name, set }: StudyVariant, data: string): TrainConfig =>
  loadConfig(study.config, { ...set, data, out: runOf(study, name, data) });

/** Trains a variant for a character unless that is done, and says what to evaluate. */
async function trained(
  study: Study,
  variant: StudyVariant,
  data: string,
  { signal, onTrain }: StudyHooks,
): Promise<{ run: string; promptOnly: boolean; seconds: number }> {
  const { name, from, promptOnly } = variant;
  const run = runOf(study, name, data);
  if (from !== undefined && !existsSync(run)) copyRun(runOf(study, from, data), run);
  const config = variantConfig(study, variant, data);
  if (promptOnly) return { run: config.base, promptOnly, seconds: 0 };
  const { finished, seconds } = await trainCharacter(config, {
    ...(signal ? { signal } : {}),
    ...(onTrain ? { onEvent: onTrain } : {}),
  });
  if (!finished) throw new AbortedError();
  return { run, promptOnly: false, seconds };
}

/** A copy of a finished run to go on from, without its evaluation; it appears when it is complete. */
function copyRun(from: string, to: string): void {
  const partial = `${to}.partial`;
  rmSync(partial, { recursive: true, force: true });
  cpSync(from, partial, { recursive: true, filter: (path) => path !== join(from, EVALUATION) });
  renameSync(partial, to);
}

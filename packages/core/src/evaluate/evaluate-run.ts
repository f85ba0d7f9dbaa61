import { join } from 'node:path';
import { writeFileAtomic } from '../run/atomic-write.js';
import { openRun } from '../run/open-run.js';
import { RunFolder } from '../run/run-folder.js';
import { characterOfRun } from '../run/stored-character.js';
import type { Evaluation } from './evaluation.js';
import type { Judges } from './judges.js';
import { modelFingerprint } from './model-fingerprint.js';
import { scoreTasks } from './score-tasks.js';
import { readSubject } from './subject.js';
import { type PlanOptions, planTasks } from './tasks/plan-tasks.js';
import { ResultStore } from './tasks/result-store.js';
import { runTasks, type TaskRunOptions } from './tasks/run-tasks.js';
import type { Task } from './tasks/task.js';

export interface EvaluationOptions extends PlanOptions {
  /** Folder of the training run. */
  readonly run: string;
  /** Training folder of the character; the one that the run was trained on when absent. */
  readonly data?: string | undefined;
  /** Folder of results; they are used again when the same is asked of the same weights. */
  readonly out: string;
}

/** Name of the folder of one run's results. */
export const EVALUATION_FILE = 'evaluation.json';

/** What an evaluation would ask. @throws RunError and DataError as {@link evaluateRun} */
export async function planEvaluation({ run, data, ...options }: EvaluationOptions): Promise<Task[]> {
  return planTasks(await readSubject(data ?? characterOfRun(run).source), options);
}

/**
 * Asks a trained character everything of its evaluation, stores what comes, and scores it. Stopped by the signal, it goes on
 * when it is called again with the same options.
 *
 * @param judges kept by the caller
 * @throws RunError when the run or its data is not there; AbortedError when the signal is aborted
 */
export async function evaluateRun(
  { run, data, out, ...plan }: EvaluationOptions,
  judges: Judges,
  progress: TaskRunOptions = {},
): Promise<Evaluation> {
  const subject = await readSubject(data ?? characterOfRun(run).source);
  const model = modelFingerprint(new RunFolder(run));
  const tasks = planTasks(subject, plan);
  const store = new ResultStore(out, model);
  const engine = await openRun(run);
  try {
    const finished = await runTasks(engine, tasks, store, progress);
    const evaluation: Evaluation = {
      character: subject.character.name,
      run,
      data: subject.character.source,
      model,
      split: subject.test ? 'test' : 'train',
      seed: plan.seed,
      imagesPerPrompt: plan.imagesPerPrompt,
      limit: plan.limit,
      judges: judges.provenance,
      scores: await scoreTasks(finished, subject, judges, out, plan.seed),
      finished,
      folder: out,
    };
    writeFileAtomic(join(out, EVALUATION_FILE), `${JSON.stringify(evaluation, null, 1)}\n`);
    return evaluation;
  } finally {
    engine.dispose();
  }
}

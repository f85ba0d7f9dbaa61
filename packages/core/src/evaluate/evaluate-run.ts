import { join } from 'node:path';
import { loadConfig } from '../config/index.js';
import type { Character } from '../data/index.js';
import { writeFileAtomic } from '../run/atomic-write.js';
import type { CharacterEngine } from '../run/character-engine.js';
import { openBase } from '../run/open-base.js';
import { openRun } from '../run/open-run.js';
import { RunFolder } from '../run/run-folder.js';
import { characterOfRun } from '../run/stored-character.js';
import type { Evaluation } from './evaluation.js';
import type { Judges } from './judges.js';
import { baseFingerprint, modelFingerprint } from './model-fingerprint.js';
import { promptedEngine } from './prompted-engine.js';
import { scoreTasks } from './score-tasks.js';
import { readSubject } from './subject.js';
import { type PlanOptions, planTasks } from './tasks/plan-tasks.js';
import { ResultStore } from './tasks/result-store.js';
import { type EvaluatedEngine, runTasks, type TaskRunOptions } from './tasks/run-tasks.js';
import type { Task } from './tasks/task.js';

export interface EvaluationOptions extends PlanOptions {
  /** Folder of the training run, or of a base model when `promptOnly`. */
  readonly run: string;
  /** The folder holds a base model that knows the character from its prompt alone; `data` says which character. */
  readonly promptOnly?: boolean | undefined;
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
  { run, promptOnly = false, data, out, ...plan }: EvaluationOptions,
  judges: Judges,
  progress: TaskRunOptions = {},
): Promise<Evaluation> {
  const subject = await readSubject(data ?? characterOfRun(run).source);
  const { model, engine, asked } = promptOnly
    ? await candidateBase(run, subject.character)
    : await candidateRun(run);
  try {
    const tasks = planTasks(subject, plan);
    const store = new ResultStore(out, model);
    const finished = await runTasks(asked, tasks, store, progress);
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

/** What is evaluated: its fingerprint, what it answers with, and what owns the weights. */
interface Candidate {
  readonly model: string;
  readonly engine: CharacterEngine;
  readonly asked: EvaluatedEngine;
}

async function candidateRun(run: string): Promise<Candidate> {
  const model = modelFingerprint(new RunFolder(run));
  const engine = await openRun(run);
  return { model, engine, asked: engine };
}

/** A base model that has the profile in its prompt, and talks and draws by the defaults. */
async function candidateBase(base: string, character: Character): Promise<Candidate> {
  const model = await baseFingerprint(base);
  const { generate } = loadConfig(undefined, { data: character.source });
  const engine = openBase(base, character, generate);
  return { model, engine, asked: promptedEngine(engine) };
}

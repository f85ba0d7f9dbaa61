import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../config/index.js';
import type { Character } from '../data/index.js';
import { writeFileAtomic } from '../run/atomic-write.js';
import type { CharacterEngine } from '../run/character-engine.js';
import { openBase } from '../run/open-base.js';
import { openRun } from '../run/open-run.js';
import { resolvedConfig } from '../run/resolved-config.js';
import { RunError } from '../run/run-error.js';
import { RunFolder } from '../run/run-folder.js';
import { baseWeights } from '../run/run-model.js';
import { characterOfRun } from '../run/stored-character.js';
import { hashBytes } from '../tensor-io/content-hash.js';
import type { BaseResults, Evaluation } from './evaluation.js';
import type { Judges } from './judges.js';
import { judgeReplies, type LanguageJudge } from './language-judge/judge-replies.js';
import { baseFingerprint, modelFingerprint } from './model-fingerprint.js';
import { promptedEngine } from './prompted-engine.js';
import { scoreTasks } from './score-tasks.js';
import { readSubject } from './subject.js';
import { type PlanOptions, planTasks } from './tasks/plan-tasks.js';
import { ResultStore } from './tasks/result-store.js';
import { type EvaluatedEngine, runTasks, type TaskRunOptions } from './tasks/run-tasks.js';
import type { FinishedTask, Task } from './tasks/task.js';

export interface EvaluationOptions extends PlanOptions {
  /** Folder of the training run, or of a base model when `promptOnly`. */
  readonly run: string;
  /** The folder holds a base model that knows the character from its prompt alone; `data` says which character. */
  readonly promptOnly?: boolean | undefined;
  /** Training folder of the character; the one that the run was trained on when absent. */
  readonly data?: string | undefined;
  /** A language model that judges the replies. */
  readonly judge?: LanguageJudge | undefined;
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
  { run, promptOnly = false, data, out, judge, ...plan }: EvaluationOptions,
  judges: Judges,
  progress: TaskRunOptions = {},
): Promise<Evaluation> {
  const subject = await readSubject(data ?? characterOfRun(run).source);
  const tasks = planTasks(subject, plan);
  const { model, finished } = await ask(
    promptOnly ? await candidateBase(run, subject.character) : await candidateRun(run),
    tasks,
    out,
    progress,
  );
  const general = tasks.filter(({ family }) => family === 'general');
  const base = promptOnly || general.length === 0 ? undefined : await askBaseOf(run, general, out, progress);
  const judged =
    judge &&
    (await judgedBy(judge, finished, subject.character, { folder: out, seed: plan.seed, ...progress }));
  const evaluation: Evaluation = {
    character: subject.character.name,
    run,
    data: subject.character.source,
    model,
    split: subject.test ? 'test' : 'train',
    seed: plan.seed,
    imagesPerPrompt: plan.imagesPerPrompt,
    limit: plan.limit,
    judges: { ...judges.provenance, ...(judged ? { language: judged.provenance } : {}) },
    scores: await scoreTasks({ finished, folder: out }, base, judged, subject, judges, plan.seed),
    finished,
    folder: out,
    ...(base ? { base } : {}),
    ...(judged ? { judgements: judged.judgements } : {}),
  };
  writeFileAtomic(join(out, EVALUATION_FILE), `${JSON.stringify(evaluation, null, 1)}\n`);
  return evaluation;
}

/** What a language model thinks of the replies, and which one that was. */
async function judgedBy(
  judge: LanguageJudge,
  finished: readonly FinishedTask[],
  character: Character,
  options: Parameters<typeof judgeReplies>[3],
) {
  const judged = await judgeReplies(finished, character, judge, options);
  const { model, url } = judge.endpoint;
  const rubric = hashBytes(Buffer.from(JSON.stringify(judged.rubric)));
  return { ...judged, judge: model, provenance: { model, url, rubric } };
}

/** Asks a model, stores what comes below `out`, and frees the model. */
async function ask(
  { model, engine, asked }: Candidate,
  tasks: readonly Task[],
  out: string,
  progress: TaskRunOptions,
): Promise<Pick<BaseResults, 'model' | 'finished'>> {
  try {
    const store = new ResultStore(out, model);
    // Characters that are described in a task are no business of the profile in the prompt.
    const engineFor = ({ family }: Task) => (family === 'general' ? engine : asked);
    return { model, finished: await runTasks(engineFor, tasks, store, progress) };
  } finally {
    engine.dispose();
  }
}

/** What the base of a run does with the same tasks; undefined when the run was trained from nothing. */
async function askBaseOf(
  run: string,
  tasks: readonly Task[],
  out: string,
  progress: TaskRunOptions,
): Promise<BaseResults | undefined> {
  const { base, generate } = resolvedConfig(new RunFolder(run));
  if (!existsSync(base)) {
    throw new RunError(
      `${base}: expected the base model that ${run} was trained from, found nothing; general ability is compared with it. ` +
        'Put it back, or leave "general" out of the metrics',
    );
  }
  if (!baseWeights(base)) return undefined;
  const engine = openBase(base, characterOfRun(run), generate);
  const folder = join(out, 'base');
  const results = await ask(
    { model: await baseFingerprint(base), engine, asked: engine },
    tasks,
    folder,
    progress,
  );
  return { ...results, folder };
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

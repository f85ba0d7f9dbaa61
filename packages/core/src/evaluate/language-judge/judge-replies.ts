import { join } from 'node:path';
import type { Character } from '../../data/index.js';
import { AnswerStore, answerTo, askAll, type ChatEndpoint } from '../../endpoint/index.js';
import type { TaskRunOptions } from '../tasks/run-tasks.js';
import { type FinishedTask, ofKind, type Task } from '../tasks/task.js';
import { judgeQuestions, type Scores } from './judge-questions.js';
import { type Rubric, rubricOf } from './rubric.js';

/** A language model that judges replies. */
export interface LanguageJudge {
  readonly endpoint: ChatEndpoint;
  /** What it judges by; the rubric beside the results unless told. */
  readonly rubric?: Rubric | undefined;
  /** Requests at a time. */
  readonly concurrency: number;
}

/** What a language model thinks of one reply. JSON values only. */
export interface Judgement {
  /** Id of the reply's task. */
  readonly task: string;
  readonly scores: Scores;
  /** Scores of the data's own reply to the same words. */
  readonly reference?: Scores;
  /** 1: better than the data's own reply, 0: worse, 0.5: equal. */
  readonly wins?: number;
  readonly winsBecause?: string;
}

export interface Judgements {
  readonly rubric: Rubric;
  readonly judgements: readonly Judgement[];
}

/** Folder of rubric and verdicts below an evaluation's results. */
const JUDGE = 'judge';

/** Requests that judging takes: one for each reply, two more where the data have a reply of their own. */
export const judgeRequests = (tasks: readonly Task[]): number =>
  tasks.reduce((sum, task) => sum + (task.kind === 'reply' ? (task.reference === undefined ? 1 : 3) : 0), 0);

/**
 * Has replies judged by the rubric. Verdicts are stored one by one below `folder`, and asked for again only when reply,
 * rubric or model change.
 * @throws EndpointError when the model does not answer, or not usably; the reason of the signal when that is aborted
 */
export async function judgeReplies(
  finished: readonly FinishedTask[],
  character: Character,
  { endpoint, rubric: given, concurrency }: LanguageJudge,
  { folder, seed, ...hooks }: TaskRunOptions & { readonly folder: string; readonly seed: number },
): Promise<Judgements> {
  const rubric = given ?? (await rubricOf(join(folder, JUDGE)));
  const asked = judgeQuestions(ofKind(finished, 'reply'), character, rubric, seed);
  const questions = asked.flatMap(({ own, reference, compare }) => [
    own,
    ...(reference ? [reference] : []),
    ...(compare ? [compare] : []),
  ]);
  // A verdict that somebody has changed is none of the judge's.
  const store = new AnswerStore(join(folder, JUDGE, 'verdicts'), endpoint.model, 'discard');
  const answers = await askAll(questions, endpoint, store, { concurrency, ...hooks });
  const judgements = asked.map(({ task, own, reference, compare, ownFirst }): Judgement => {
    const scores = answerTo(answers, own);
    if (!reference || !compare) return { task, scores };
    const { better, reason } = answerTo(answers, compare);
    const wins = better === 'equal' ? 0.5 : Number((better === 'first') === ownFirst);
    return { task, scores, reference: answerTo(answers, reference), wins, winsBecause: reason };
  });
  return { rubric, judgements };
}

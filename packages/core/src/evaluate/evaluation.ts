import type { Interval } from './bootstrap.js';
import type { Judgement } from './language-judge/judge-replies.js';
import type { FinishedTask } from './tasks/task.js';

/** A measure as it is reported: mean and 95 % interval. */
export interface Score extends Interval {
  readonly name: string;
  readonly title: string;
  readonly note: string;
  readonly better: 'higher' | 'lower' | 'neither';
  /** The same on the data's own pictures or words: what the judge leaves room for. */
  readonly ceiling?: number;
}

/** General tasks asked of a base model; pictures relative to `folder`. */
export interface BaseResults {
  readonly model: string;
  readonly finished: readonly FinishedTask[];
  readonly folder: string;
}

/** The evaluation of one run. JSON values only. */
export interface Evaluation {
  readonly character: string;
  readonly run: string;
  readonly data: string;
  /** Fingerprint of the weights. */
  readonly model: string;
  /** `test` pictures and prompts, or the training ones where the data has no test split. */
  readonly split: 'test' | 'train';
  readonly seed: number;
  readonly imagesPerPrompt: number;
  /** At most that many prompts or questions of each kind were taken; 0: all. */
  readonly limit: number;
  /** What produced the numbers. */
  readonly judges: Readonly<Record<string, unknown>>;
  readonly scores: readonly Score[];
  /** What was asked and what came; pictures relative to `folder`. */
  readonly finished: readonly FinishedTask[];
  /** Where the results lie. */
  readonly folder: string;
  /** What the base that a run was trained from was asked for comparison; absent where it has no weights. */
  readonly base?: BaseResults;
  /** What a language model thinks of the replies, where one was asked. */
  readonly judgements?: readonly Judgement[];
}

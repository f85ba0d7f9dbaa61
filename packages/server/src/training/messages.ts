import type { Finding, RunPlan, TrainConfig, TrainEvent } from '@unicharacter/core';

/** What the server tells its training process. */
export type ToTraining = { kind: 'train'; config: TrainConfig } | { kind: 'stop' };

/** What the training process tells the server. */
export type FromTraining =
  /** `line` counts the events of the run's log from 0. */
  | { kind: 'event'; line: number; event: TrainEvent }
  /** The last word: all steps were taken, or it stopped as it was told. */
  | { kind: 'ended'; finished: boolean }
  | { kind: 'failed'; message: string };

/** What a look at data and configuration brings. */
export interface DataPlan {
  /** The character's name. */
  readonly character: string;
  readonly findings: readonly Finding[];
  readonly plan: RunPlan;
}

/** What the planning process tells the server: the plan, why there can be none, or what went wrong. */
export type FromPlanning =
  | { kind: 'planned'; plan: DataPlan }
  | { kind: 'refused'; message: string }
  | { kind: 'failed'; message: string };

import type { TrainConfig, TrainEvent } from '@unicharacter/core';

/** What the server tells its training process. */
export type ToTraining = { kind: 'train'; config: TrainConfig } | { kind: 'stop' };

/** What the training process tells the server. */
export type FromTraining =
  /** `line` counts the events of the run's log from 0. */
  | { kind: 'event'; line: number; event: TrainEvent }
  /** The last word: all steps were taken, or it stopped as it was told. */
  | { kind: 'ended'; finished: boolean }
  | { kind: 'failed'; message: string };

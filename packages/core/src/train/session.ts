import type { TrainConfig } from '../config/index.js';
import type { RgbImage } from '../image/index.js';
import type { EventLog } from '../run/event-log.js';
import type { CheckpointFolder, RunFolder } from '../run/run-folder.js';
import type { TrainEvent } from '../run/train-event.js';
import type { BaseModel } from './base-model.js';
import type { TrainingData } from './training-data.js';
import type { LoopContext } from './training-loop.js';

/** What the stages of one training call share. */
export interface Session {
  readonly config: TrainConfig;
  readonly run: RunFolder;
  readonly base: BaseModel;
  readonly data: TrainingData;
  /** Pictures in the size in which the autoencoder sees them, by id. Made when first asked for. */
  readonly pictures: () => Promise<ReadonlyMap<string, RgbImage>>;
  readonly log: EventLog;
  /** Writes an event to the log and hands it to the caller. */
  readonly emit: (event: TrainEvent) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The loop's view of a session. */
export function loopContext(
  { config, log, emit, signal, data }: Session,
  checkpoints: CheckpointFolder,
  progress: { secondsBefore: number; score: number | null },
): LoopContext {
  return {
    checkpoints,
    log,
    emit,
    signal,
    checkpointEvery: config.checkpoints.every,
    keep: config.checkpoints,
    sampleEvery: config.samples.every,
    data: data.fingerprint,
    validateEvery: config.validation.every,
    ...progress,
  };
}

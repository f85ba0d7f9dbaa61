export { writeFileAtomic } from './atomic-write.js';
export {
  CharacterEngine,
  type DrawRequest,
  type Picture,
  type Reply,
  type SpokenToken,
  type TextRequest,
  type TokenLikelihood,
} from './character-engine.js';
export { EventLog, readEvents } from './event-log.js';
export { lockFile } from './lock-file.js';
export { openRun } from './open-run.js';
export { writeReport } from './report.js';
export { RunError } from './run-error.js';
export { type CheckpointRef, RunFolder } from './run-folder.js';
export { trainingProcess } from './run-lock.js';
export { characterOfRun } from './stored-character.js';
export type { DataSummary, LoggedEvent, Sample, Stage, StepEvent, TrainEvent } from './train-event.js';

export { writeFileAtomic } from './atomic-write.js';
export { EventLog, readEvents } from './event-log.js';
export { writeReport } from './report.js';
export { RunError } from './run-error.js';
export { type CheckpointRef, RunFolder } from './run-folder.js';
export type { DataSummary, LoggedEvent, Sample, Stage, StepEvent, TrainEvent } from './train-event.js';

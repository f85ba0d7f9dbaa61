export { estimateTraining, type TrainingEstimate } from './estimate.js';
export { type ExportOptions, type ExportSummary, exportRun } from './export-run.js';
export { type TrainHooks, type TrainSummary, trainCharacter } from './train-character.js';
export { TrainError } from './train-error.js';

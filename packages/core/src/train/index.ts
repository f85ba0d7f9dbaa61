export { type BaseModelSummary, describeBaseModel } from './base-summary.js';
export {
  type EstimateOptions,
  estimateTraining,
  type StageEstimate,
  type TrainingEstimate,
} from './estimate.js';
export { type ExportOptions, type ExportSummary, exportRun } from './export-run.js';
export type { MachineRates } from './machine-rates.js';
export { measureTraining, type StageMeasure } from './measure.js';
export { isOutOfMemory } from './memory-advice.js';
export { planRun, type RunPlan } from './run-plan.js';
export type { PackPlan, TaskPlan } from './task-plan.js';
export { type TrainHooks, type TrainSummary, trainCharacter } from './train-character.js';
export { TrainError } from './train-error.js';

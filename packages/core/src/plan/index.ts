export {
  type Device,
  inspectModel,
  isModelFolder,
  type ModelInspection,
  type TensorRow,
  type WeightsCheck,
} from './inspect-model.js';
export {
  type MemoryNeeds,
  type MemoryPlan,
  memoryPlans,
  PUBLISHED_NEEDS,
  PURPOSES,
  type Purpose,
  type TrainedPart,
  type TrainingNeeds,
  trainingPlan,
} from './memory-plan.js';
export { countModelParts, countVaeParts, type PartCount, totalOf } from './parts.js';

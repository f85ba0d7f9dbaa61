export {
  EMBEDDING_NAME,
  type Expert,
  HEAD_NAME,
  isGenerationExpert,
  LATENT_TABLE_NAME,
  modelTensors,
  publishedName,
  type TensorSpec,
  VIT_TABLE_NAME,
  vaeTensors,
} from './checkpoint-names.js';
export {
  type ImageRules,
  type LanguageModelConfig,
  type LatentConfig,
  loadModelConfig,
  MODEL_CONFIG_FILES,
  type ModelConfig,
  type VaeConfig,
  type VisionConfig,
} from './config.js';
export { imageLatents, imagePatches, type LatentGrid, resizeTo } from './encode-image.js';
export {
  chooseDropped,
  type DropoutRates,
  type EncodedItem,
  type EncodedSample,
  itemTokens,
  type MarkerIds,
  sampleTokens,
} from './encoded-sample.js';
export { FlowVae, type LatentPosterior } from './flow-vae.js';
export {
  ContextLengthError,
  emptyContext,
  feedLatents,
  feedPatches,
  feedRows,
  feedTokens,
  inferLogits,
  type PatchGrid,
  VelocityField,
} from './inference.js';
export { ModelConfigError } from './json-fields.js';
export { KvContext } from './kv-cache.js';
export { latentsToTokens, tokensToLatents } from './latent-tokens.js';
export type { LoadOptions, LoadProgress } from './load-weights.js';
export { locateTensors, WeightsError } from './locate-tensors.js';
export { LoraAdapter, loraModules, updateSize } from './lora.js';
export { ADAPTER_CONFIG, ADAPTER_FILE, loadAdapter, saveAdapter, saveMerged } from './lora-files.js';
export { LORA_PROJECTIONS, type LoraProjection, type LoraSettings } from './lora-settings.js';
export { type LatentImage, type PackedRow, packRow, type SampleChoice, type SplitMode } from './pack-row.js';
export { type StagedRow, stageRow } from './staged-row.js';
export { type TrainInputs, type TrainLosses, UnifiedModel } from './unified-model.js';

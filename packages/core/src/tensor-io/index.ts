export { replaceFile, replaceFileWith } from './atomic-file.js';
export {
  narrowToBfloat16,
  type SafetensorsDtype,
  toBfloat16Bits,
  widenBfloat16,
  widenFloat16,
} from './dtype.js';
export type { TensorInfo } from './header.js';
export { SafetensorsError } from './safetensors-error.js';
export {
  openSafetensors,
  type SafetensorsFile,
  type TensorPlace,
  type TensorSource,
} from './safetensors-file.js';
export { openShardedSafetensors, openTensors, SHARD_INDEX_NAME } from './sharded-index.js';
export { type SummaryValue, summaryRecord, versionRecord } from './tfevents.js';
export { type StoredTensor, writeSafetensors } from './write-safetensors.js';

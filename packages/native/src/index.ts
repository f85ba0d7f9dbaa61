export * as tf from '../lib/tfjs.mjs';
export { checkpoint, type GradientOptions, noGrad, valueAndGrads } from './autodiff/index.js';
export { NativeBackend } from './backend.js';
export { bfloat16Tensor, storedType } from './bfloat16.js';
export { type Counters, counters, resetCounters, setStrict, strict } from './counters.js';
export {
  AddonMissingError,
  DisposedTensorError,
  TensorflowBackendError,
  UnsupportedKernelError,
} from './errors.js';
export { KeptResult } from './kept-result.js';
export { type Advice, adviseMapped, canMapFiles, MappedFile } from './mapped-file.js';
export * from './ops/index.js';
export * from './optim/index.js';
export { currentPrecision, type Precision, withAutocast } from './precision.js';
export {
  type BackendName,
  memoryStats,
  nativeInfo,
  resetPeak,
  selectBackend,
  setThreads,
} from './select-backend.js';

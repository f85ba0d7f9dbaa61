export * as tf from '../lib/tfjs.mjs';
export { NativeBackend } from './backend.js';
export { type Counters, counters, resetCounters, setStrict, strict } from './counters.js';
export { AddonMissingError, UnsupportedKernelError } from './errors.js';
export { type Precision, withAutocast } from './precision.js';
export { memoryStats, nativeInfo, resetPeak, selectBackend } from './select-backend.js';

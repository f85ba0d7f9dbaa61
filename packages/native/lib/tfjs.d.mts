import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';

export { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
export * from '@tensorflow/tfjs-core';

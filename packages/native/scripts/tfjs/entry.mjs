// What lib/tfjs.mjs consists of: the whole of tfjs-core with its gradients and chained ops, and the cpu backend.
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';

export { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
export * from '@tensorflow/tfjs-core';

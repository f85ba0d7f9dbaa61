import { fusedKernels } from '../ops/native-kernels.js';
import { binaryKernels } from './binary.js';
import { createKernels } from './create.js';
import type { NativeKernel } from './kernel.js';
import { matmulKernels } from './matmul.js';

/** Every kernel with a native version. */
export const nativeKernels: NativeKernel[] = [
  ...binaryKernels,
  ...createKernels,
  ...matmulKernels,
  ...fusedKernels,
];

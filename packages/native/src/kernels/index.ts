import { fusedKernels } from '../ops/native-kernels.js';
import { binaryKernels } from './binary.js';
import { concatSplitKernels } from './concat-split.js';
import { conv2dKernels } from './conv2d.js';
import { createKernels } from './create.js';
import { gatherScatterKernels } from './gather-scatter.js';
import type { NativeKernel } from './kernel.js';
import { matmulKernels } from './matmul.js';
import { movementKernels } from './movement.js';
import { normaliseKernels } from './normalise.js';
import { poolKernels } from './pool.js';
import { reduceKernels } from './reduce.js';
import { resizeKernels } from './resize.js';
import { rowKernels } from './rows.js';
import { shapeKernels } from './shape.js';
import { unaryKernels } from './unary.js';

/** Every kernel with a native version. */
export const nativeKernels: NativeKernel[] = [
  ...binaryKernels,
  ...concatSplitKernels,
  ...conv2dKernels,
  ...createKernels,
  ...fusedKernels,
  ...gatherScatterKernels,
  ...matmulKernels,
  ...movementKernels,
  ...normaliseKernels,
  ...poolKernels,
  ...reduceKernels,
  ...resizeKernels,
  ...rowKernels,
  ...shapeKernels,
  ...unaryKernels,
];

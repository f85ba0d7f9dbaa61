import type { NativeKernel } from '../kernels/kernel.js';
import { optimizerKernels } from '../optim/native-kernels.js';
import { activationKernels } from './activations.js';
import { cachedAttentionKernels } from './cached-attention.js';
import { groupNormKernels } from './group-norm.js';
import { layerNormKernels } from './layer-norm.js';
import { linearKernels } from './linear.js';
import { linearCrossEntropyKernels } from './linear-cross-entropy.js';
import { packedAttentionKernels } from './packed-attention.js';
import { randomKernels } from './random.js';
import { rmsNormKernels } from './rms-norm.js';
import { ropeKernels } from './rope.js';

/** Kernels of the fused ops, which tfjs-core does not know. */
export const fusedKernels: NativeKernel[] = [
  ...activationKernels,
  ...cachedAttentionKernels,
  ...groupNormKernels,
  ...layerNormKernels,
  ...linearCrossEntropyKernels,
  ...linearKernels,
  ...optimizerKernels,
  ...packedAttentionKernels,
  ...randomKernels,
  ...rmsNormKernels,
  ...ropeKernels,
];

import type { NativeKernel } from '../kernels/kernel.js';
import { optimizerKernels } from '../optim/native-kernels.js';
import { activationKernels } from './activations.js';
import { cachedAttentionKernels } from './cached-attention.js';
import { cachedAttentionRowsKernels } from './cached-attention-rows.js';
import { dropoutKernels } from './dropout.js';
import { flowInterpolateKernels } from './flow-interpolate.js';
import { flowSdeKernels } from './flow-sde.js';
import { gaussianKlKernels } from './gaussian-kl.js';
import { groupNormKernels } from './group-norm.js';
import { grpoAdvantageKernels } from './grpo-advantage.js';
import { grpoLossKernels } from './grpo-loss.js';
import { layerNormKernels } from './layer-norm.js';
import { linearKernels } from './linear.js';
import { linearCrossEntropyKernels } from './linear-cross-entropy.js';
import { loraLinearKernels } from './lora-linear.js';
import { packedAttentionKernels } from './packed-attention.js';
import { pagedPoolKernels } from './paged-pool.js';
import { randomKernels } from './random.js';
import { rmsNormKernels } from './rms-norm.js';
import { rmsNormResidualKernels } from './rms-norm-residual.js';
import { ropeKernels } from './rope.js';
import { sampleTokensKernels } from './sample-tokens.js';
import { scaleColumnsKernels } from './scale-columns.js';
import { storedAsKernels } from './stored-as.js';

/** Kernels of the fused ops, which tfjs-core does not know. */
export const fusedKernels: NativeKernel[] = [
  ...activationKernels,
  ...cachedAttentionKernels,
  ...cachedAttentionRowsKernels,
  ...groupNormKernels,
  ...layerNormKernels,
  ...linearCrossEntropyKernels,
  ...dropoutKernels,
  ...flowInterpolateKernels,
  ...flowSdeKernels,
  ...gaussianKlKernels,
  ...grpoAdvantageKernels,
  ...grpoLossKernels,
  ...loraLinearKernels,
  ...linearKernels,
  ...optimizerKernels,
  ...packedAttentionKernels,
  ...pagedPoolKernels,
  ...randomKernels,
  ...rmsNormKernels,
  ...rmsNormResidualKernels,
  ...ropeKernels,
  ...sampleTokensKernels,
  ...scaleColumnsKernels,
  ...storedAsKernels,
];

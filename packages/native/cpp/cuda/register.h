// One function per kernel family; register.cu calls them all.
#pragma once

#include "../runtime/registry.h"

namespace uc {

void registerCudaActivations(Registry& registry);
void registerCudaAdamW8bit(Registry& registry);
void registerCudaAttention(Registry& registry);
void registerCudaAttentionGrad(Registry& registry);
void registerCudaBatchNorm(Registry& registry);
void registerCudaBinary(Registry& registry);
void registerCudaCachedAttention(Registry& registry);
void registerCudaConv2d(Registry& registry);
void registerCudaCopy(Registry& registry);
void registerCudaCrossEntropy(Registry& registry);
void registerCudaFill(Registry& registry);
void registerCudaFlow(Registry& registry);
void registerCudaGroupNorm(Registry& registry);
void registerCudaGrpoAdvantage(Registry& registry);
void registerCudaGrpoLoss(Registry& registry);
void registerCudaIndexOps(Registry& registry);
void registerCudaLinear(Registry& registry);
void registerCudaLora(Registry& registry);
void registerCudaMatMul(Registry& registry);
void registerCudaNorm(Registry& registry);
void registerCudaOptimizer(Registry& registry);
void registerCudaOrdered(Registry& registry);
void registerCudaPool(Registry& registry);
void registerCudaRandom(Registry& registry);
void registerCudaReduce(Registry& registry);
void registerCudaResize(Registry& registry);
void registerCudaRope(Registry& registry);
void registerCudaScaleColumns(Registry& registry);
void registerCudaSoftmax(Registry& registry);
void registerCudaUnary(Registry& registry);
void registerCudaUnaryGrad(Registry& registry);

}  // namespace uc

// The families of fused kernels: ops that TensorFlow.js does not have, called from src/ops and src/optim.
#pragma once

#include "../runtime/registry.h"

namespace uc {

void registerActivations(Registry& registry);
void registerAdamW8bit(Registry& registry);
void registerAttention(Registry& registry);
void registerAttentionGrad(Registry& registry);
void registerCachedAttention(Registry& registry);
void registerCrossEntropy(Registry& registry);
void registerDropout(Registry& registry);
void registerFlowInterpolate(Registry& registry);
void registerFlowSde(Registry& registry);
void registerGroupNorm(Registry& registry);
void registerGrpoAdvantage(Registry& registry);
void registerGrpoLoss(Registry& registry);
void registerLinear(Registry& registry);
void registerLora(Registry& registry);
void registerNorm(Registry& registry);
void registerOptimizer(Registry& registry);
void registerPhysicalType(Registry& registry);
void registerRandom(Registry& registry);
void registerRope(Registry& registry);
void registerSampleTokens(Registry& registry);
void registerScaleColumns(Registry& registry);

}  // namespace uc

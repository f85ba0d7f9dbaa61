#include "fused.h"
#include "register.h"

namespace uc {

void registerFused(Registry& registry) {
  registerActivations(registry);
  registerAdamW8bit(registry);
  registerAttention(registry);
  registerAttentionGrad(registry);
  registerCachedAttention(registry);
  registerCrossEntropy(registry);
  registerDropout(registry);
  registerFlowInterpolate(registry);
  registerFlowSde(registry);
  registerGroupNorm(registry);
  registerGrpoAdvantage(registry);
  registerGrpoLoss(registry);
  registerLinear(registry);
  registerLora(registry);
  registerNorm(registry);
  registerOptimizer(registry);
  registerPhysicalType(registry);
  registerRandom(registry);
  registerRope(registry);
  registerSampleTokens(registry);
  registerScaleColumns(registry);
}

}  // namespace uc

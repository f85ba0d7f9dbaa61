#include "fused.h"
#include "register.h"

namespace uc {

void registerFused(Registry& registry) {
  registerActivations(registry);
  registerAttention(registry);
  registerAttentionGrad(registry);
  registerCachedAttention(registry);
  registerCrossEntropy(registry);
  registerGroupNorm(registry);
  registerLinear(registry);
  registerNorm(registry);
  registerOptimizer(registry);
  registerRandom(registry);
  registerRope(registry);
}

}  // namespace uc

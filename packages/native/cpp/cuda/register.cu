#include "register.h"

#include "device.h"

namespace uc {

void registerCuda(Registry& registry) {
  registerCudaActivations(registry);
  registerCudaAdamW8bit(registry);
  registerCudaAttention(registry);
  registerCudaAttentionGrad(registry);
  registerCudaBatchNorm(registry);
  registerCudaBinary(registry);
  registerCudaCachedAttention(registry);
  registerCudaConv2d(registry);
  registerCudaCopy(registry);
  registerCudaCrossEntropy(registry);
  registerCudaFill(registry);
  registerCudaFlow(registry);
  registerCudaGroupNorm(registry);
  registerCudaGrpoAdvantage(registry);
  registerCudaGrpoLoss(registry);
  registerCudaIndexOps(registry);
  registerCudaLinear(registry);
  registerCudaLora(registry);
  registerCudaMatMul(registry);
  registerCudaNorm(registry);
  registerCudaOptimizer(registry);
  registerCudaOrdered(registry);
  registerCudaPool(registry);
  registerCudaRandom(registry);
  registerCudaReduce(registry);
  registerCudaResize(registry);
  registerCudaRope(registry);
  registerCudaScaleColumns(registry);
  registerCudaSoftmax(registry);
  registerCudaUnary(registry);
  registerCudaUnaryGrad(registry);
}

}  // namespace uc

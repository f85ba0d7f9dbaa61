#include "register.h"

#include "../cuda/device.h"

namespace uc {

const Registry& registry() {
  static const Registry table = [] {
    Registry r;
    registerBinary(r);
    registerUnary(r);
    registerUnaryGrad(r);
    registerFill(r);
    registerFused(r);
    registerMatMul(r);
    registerReduce(r);
    registerCopy(r);
    registerGather(r);
    registerScatter(r);
    registerSoftmax(r);
    registerScan(r);
    registerSelect(r);
    registerTopK(r);
    registerConv2d(r);
    registerPool(r);
    registerResize(r);
    registerBatchNorm(r);
    registerCuda(r);
    return r;
  }();
  return table;
}

}  // namespace uc

// The arguments of FusedBatchNorm; shared by the devices.
#pragma once

#include "../runtime/args.h"

namespace uc {

struct BatchNormCall {
  Tensor x, mean, variance, offset, scale;  // data of offset and scale is null where there is none
  float epsilon;

  // x, mean, variance, offset?, scale?; epsilon
  static BatchNormCall read(Args& args) {
    BatchNormCall c;
    c.x = args.floatTensor();
    c.mean = args.floatTensor();
    c.variance = args.floatTensor();
    c.offset = args.optionalTensor();
    c.scale = args.optionalTensor();
    c.epsilon = static_cast<float>(args.real());
    for (const Tensor* t : {&c.mean, &c.variance, &c.offset, &c.scale}) {
      if (t->data != nullptr && (t->count != c.x.dims.last() || t->phys != Phys::F32)) {
        fail("the statistics must be float32 with one value per channel");
      }
    }
    return c;
  }
};

}  // namespace uc

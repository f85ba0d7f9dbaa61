// FusedBatchNorm with given statistics: y = (x - mean) scale / sqrt(variance + epsilon) + offset per channel.
#include <cmath>
#include <vector>

#include "../runtime/parallel.h"
#include "batch_norm_call.h"
#include "convert.h"
#include "register.h"

namespace uc {

namespace {

void batchNorm(Context& context, Args& args, Results& results) {
  const auto [x, mean, variance, offset, scale, epsilon] = BatchNormCall::read(args);
  const int64_t c = x.dims.last();
  std::vector<float> factor(c);
  std::vector<float> shift(c);
  for (int64_t k = 0; k < c; ++k) {
    factor[k] = (scale.data == nullptr ? 1.0f : scale.f32()[k]) / std::sqrt(variance.f32()[k] + epsilon);
    shift[k] = (offset.data == nullptr ? 0.0f : offset.f32()[k]) - mean.f32()[k] * factor[k];
  }
  const Tensor y = results.make(x.dims, x.phys);
  const Converted wide(context, x, Phys::F32);
  FloatResult result(context, y);
  parallelFor(c == 0 ? 0 : y.count / c, c, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* from = wide.tensor().f32() + row * c;
      float* to = result.values() + row * c;
      for (int64_t k = 0; k < c; ++k) to[k] = from[k] * factor[k] + shift[k];
    }
  });
  result.store();
}

}  // namespace

void registerBatchNorm(Registry& r) { r.add("FusedBatchNorm", batchNorm); }

}  // namespace uc

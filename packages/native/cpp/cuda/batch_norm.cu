// FusedBatchNorm with given statistics: y = (x - mean) scale / sqrt(variance + epsilon) + offset per channel. Memory bound.
#include "../cpu/batch_norm_call.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

void batchNorm(Context& context, Args& args, Results& results) {
  const BatchNormCall call = BatchNormCall::read(args);
  const Tensor& x = call.x;
  const int64_t c = x.dims.last();
  const float epsilon = call.epsilon;
  const float *m = call.mean.f32(), *v = call.variance.f32(), *o = call.offset.f32(), *s = call.scale.f32();
  const Floats in(x), y(results.make(x.dims, x.phys));
  forEach(context, x.count, [=] __device__(int64_t i) {
    const int64_t k = i % c;
    const float factor = (s == nullptr ? 1.0f : s[k]) / std::sqrt(v[k] + epsilon);
    y.put(i, in[i] * factor + ((o == nullptr ? 0.0f : o[k]) - m[k] * factor));
  });
}

}  // namespace

void registerCudaBatchNorm(Registry& r) { r.addCuda("FusedBatchNorm", batchNorm); }

}  // namespace uc

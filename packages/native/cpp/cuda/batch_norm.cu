// FusedBatchNorm with given statistics: y = (x - mean) scale / sqrt(variance + epsilon) + offset per channel. Memory bound.
#include "register.h"
#include "values.h"

namespace uc {

namespace {

void batchNorm(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const Tensor mean = args.floatTensor();
  const Tensor variance = args.floatTensor();
  const Tensor offset = args.optionalTensor();
  const Tensor scale = args.optionalTensor();
  const float epsilon = static_cast<float>(args.real());
  const int64_t c = x.dims.last();
  for (const Tensor* t : {&mean, &variance, &offset, &scale}) {
    if (t->data != nullptr && (t->count != c || t->phys != Phys::F32)) {
      fail("the statistics must be float32 with one value per channel");
    }
  }
  const float *m = mean.f32(), *v = variance.f32(), *o = offset.f32(), *s = scale.f32();
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

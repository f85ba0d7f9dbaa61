// FlowInterpolate: the noised latents of rectified flow and the velocity that a model is to predict, in one pass.
//
// Memory bound: 8 bytes read and 8 written per element.
#include "convert.h"
#include "fused.h"

namespace uc {

void registerFlowInterpolate(Registry& registry) {
  // clean, noise [T, C], times [T] -> noised, velocity [T, C]
  registry.add("FlowInterpolate", [](Context& context, Args& args, Results& results) {
    const Tensor clean = args.floatTensor();
    const Tensor noise = args.floatTensor();
    const Tensor times = args.floatTensor();
    if (clean.dims.rank() != 2 || noise.dims != clean.dims || times.count != clean.dims[0]) {
      fail("clean and noise [T, C] and times [T] are needed");
    }
    const Converted cleans(context, clean, Phys::F32), noises(context, noise, Phys::F32);
    const Converted at(context, times, Phys::F32);
    const int64_t columns = clean.dims[1];
    float* noised = results.make(clean.dims, Phys::F32).f32();
    float* velocity = results.make(clean.dims, Phys::F32).f32();
    const float* x = cleans.tensor().f32();
    const float* e = noises.tensor().f32();
    const float* t = at.tensor().f32();
    parallelFor(clean.dims[0], 2 * columns, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const float late = t[row], early = 1.0f - late;
        for (int64_t i = row * columns; i < (row + 1) * columns; ++i) {
          noised[i] = early * x[i] + late * e[i];
          velocity[i] = e[i] - x[i];
        }
      }
    });
  });
}

}  // namespace uc

// Philox4x32-10 uniform and normal numbers; the same algorithm, step by step, as src/ops/philox.ts, and the same bits.
//
// Compute bound: about 100 integer operations per block of four values, and for normals one logarithm and one
// sine/cosine pair per two values. Fused multiply-adds would round differently from JavaScript, so they are off here.
#pragma GCC optimize("fp-contract=off")

#include "../runtime/parallel.h"
#include "fused.h"
#include "philox_normal.h"

namespace uc {

namespace {

// dims; then seed low, seed high, counter low, counter high, stream as the bits of int32
template <class F>
void addRandom(Registry& registry, const char* name, F fill) {
  registry.add(name, [fill](Context&, Args& args, Results& results) {
    const Dims dims = args.dims();
    const PhiloxKey key = PhiloxKey::read(args);
    const Tensor out = results.make(dims, Phys::F32);
    if ((out.count + 3) / 4 > (int64_t{1} << 32)) fail("more values than one key can give");
    float* values = out.f32();
    parallelFor((out.count + 3) / 4, 64, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        float four[4];
        fill(philox(key, static_cast<uint32_t>(b)), four);
        for (int64_t i = 0; i < std::min<int64_t>(4, out.count - 4 * b); ++i) values[4 * b + i] = four[i];
      }
    });
  });
}

}  // namespace

void registerRandom(Registry& registry) {
  addRandom(registry, "PhiloxNormal", normalBlock);
  addRandom(registry, "PhiloxUniform", uniformBlock);
}

}  // namespace uc

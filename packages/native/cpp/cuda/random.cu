// Philox4x32-10 uniform and normal numbers and dropout, the same bits as the CPU kernels. Compiled without fused multiply-adds.
//
// Compute bound: about 100 integer operations per block of four values, for normals also double arithmetic.
#include "../cpu/philox_normal.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

struct Normals {
  UC_HD void operator()(const PhiloxBlock& block, float* out) const { normalBlock(block, out); }
};
struct Uniforms {
  UC_HD void operator()(const PhiloxBlock& block, float* out) const { uniformBlock(block, out); }
};

// Blocks of four values that cover n; a key gives at most 2^32 of them.
int64_t philoxBlocks(int64_t n) {
  const int64_t blocks = (n + 3) / 4;
  if (blocks > (int64_t{1} << 32)) fail("more values than one key can give");
  return blocks;
}

// dims; then seed low, seed high, counter low, counter high, stream as the bits of int32
template <class F>
void random(Context& context, Args& args, Results& results) {
  const Dims dims = args.dims();
  const PhiloxKey key = PhiloxKey::read(args);
  const Tensor y = results.make(dims, Phys::F32);
  const int64_t n = y.count;
  float* out = y.f32();
  const F fill;
  forEach(context, philoxBlocks(n), [=] __device__(int64_t block) {
    float four[4];
    fill(philox(key, static_cast<uint32_t>(block)), four);
    for (int64_t i = 4 * block; i < 4 * block + 4 && i < n; ++i) out[i] = four[i % 4];
  });
}

// x; key (five integers), rate -> x / (1 - rate) where the i-th uniform number is at least `rate`, else 0
void dropout(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const PhiloxKey key = PhiloxKey::read(args);
  const double rate = args.real();
  if (!(rate >= 0.0 && rate < 1.0)) fail("a rate in [0, 1) is needed");
  const int64_t n = x.count;
  const int64_t blocks = philoxBlocks(n);
  const Floats in(x), out(results.make(x.dims, x.phys));
  const float limit = static_cast<float>(rate), factor = static_cast<float>(1.0 / (1.0 - rate));
  forEach(context, blocks, [=] __device__(int64_t block) {
    const PhiloxBlock words = philox(key, static_cast<uint32_t>(block));
    for (int64_t i = 4 * block; i < 4 * block + 4 && i < n; ++i) {
      out.put(i, unitFloat(words.word[i % 4]) >= limit ? in[i] * factor : 0.0f);
    }
  });
}

}  // namespace

void registerCudaRandom(Registry& r) {
  r.addCuda("PhiloxNormal", random<Normals>);
  r.addCuda("PhiloxUniform", random<Uniforms>);
  r.addCuda("Dropout", dropout);
}

}  // namespace uc

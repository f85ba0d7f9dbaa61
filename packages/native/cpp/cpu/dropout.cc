// Dropout: y_i = x_i / (1 - rate) where the i-th uniform number of the key is at least `rate`, else 0.
//
// The mask is a function of the key: the gradient is the same kernel on dy with the same key, nothing is kept.
// Bound by the random numbers: one Philox block (about 60 integer operations) for four elements.
#include "convert.h"
#include "fused.h"
#include "philox.h"

namespace uc {

void registerDropout(Registry& registry) {
  // x; key (five integers), rate -> y in the type of x
  registry.add("Dropout", [](Context&, Args& args, Results& results) {
    const Tensor x = args.floatTensor();
    const PhiloxKey key = PhiloxKey::read(args);
    const double rate = args.real();
    if (!(rate >= 0.0 && rate < 1.0)) fail("a rate in [0, 1) is needed");
    const int64_t blocks = (x.count + 3) / 4;
    if (blocks > (int64_t{1} << 32)) fail("more values than one key can give");
    const Tensor y = results.make(x.dims, x.phys);
    const float limit = static_cast<float>(rate), factor = static_cast<float>(1.0 / (1.0 - rate));
    parallelFor(blocks, 32, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        const PhiloxBlock random = philox(key, static_cast<uint32_t>(block));
        const int64_t n = std::min<int64_t>(4, x.count - 4 * block);
        for (int64_t j = 0; j < n; ++j) {
          const int64_t i = 4 * block + j;
          const float keep = unitFloat(random.word[j]) >= limit ? factor : 0.0f;
          if (x.phys == Phys::F32) {
            y.f32()[i] = keep == 0.0f ? 0.0f : x.f32()[i] * keep;
          } else {
            y.b16()[i] = keep == 0.0f ? 0 : toBf16(toFloat(x.b16()[i]) * keep);
          }
        }
      }
    });
  });
}

}  // namespace uc

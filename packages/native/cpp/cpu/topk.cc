// TopK along the last dimension: values in descending order, ties by the smaller index.
#include <algorithm>
#include <numeric>
#include <vector>

#include "../runtime/parallel.h"
#include "broadcast.h"
#include "convert.h"
#include "register.h"

namespace uc {

namespace {

template <class T>
void topRows(const T* x, T* values, int32_t* indices, int64_t rows, int64_t n, int64_t k) {
  parallelFor(rows, n * 4, [&](int64_t begin, int64_t end) {
    std::vector<int32_t> order(n);
    for (int64_t row = begin; row < end; ++row) {
      const T* from = x + row * n;
      // A NaN counts as smaller than every number, which keeps the order strict and weak.
      const auto before = [from](int32_t a, int32_t b) {
        const bool nanA = from[a] != from[a];
        const bool nanB = from[b] != from[b];
        if (nanA != nanB) return nanB;
        if (!nanA && from[a] != from[b]) return from[a] > from[b];
        return a < b;
      };
      std::iota(order.begin(), order.end(), 0);
      std::partial_sort(order.begin(), order.begin() + k, order.end(), before);
      for (int64_t i = 0; i < k; ++i) {
        values[row * k + i] = from[order[i]];
        indices[row * k + i] = order[i];
      }
    }
  });
}

// x, k -> values [..., k] and indices [..., k].
void topK(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const int64_t k = args.integer();
  const int64_t n = x.dims.last();
  if (x.dims.rank() == 0 || k < 0 || k > n) fail("k = " + std::to_string(k) + " for rows of " + std::to_string(n));
  const int64_t rows = n == 0 ? 0 : x.count / n;
  const Tensor values = results.make(Dims{rows, k}, x.phys == Phys::BF16 ? Phys::F32 : x.phys);
  const Tensor indices = results.make(Dims{rows, k}, Phys::I32);
  if (x.phys == Phys::I32) return topRows(x.i32(), values.i32(), indices.i32(), rows, n, k);
  if (x.phys == Phys::U8) return topRows(x.u8(), values.u8(), indices.i32(), rows, n, k);
  const Converted wide(context, x, Phys::F32);
  topRows(wide.tensor().f32(), values.f32(), indices.i32(), rows, n, k);
}

}  // namespace

void registerTopK(Registry& r) { r.add("TopK", topK); }

}  // namespace uc

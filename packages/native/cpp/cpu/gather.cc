// Gathers: GatherV2 (take slices along an axis) and GatherNd. Memory bound; every index is checked before use.
#include <atomic>

#include "../runtime/parallel.h"
#include "broadcast.h"
#include "register.h"

namespace uc {

namespace {

// Throws when an index lies outside [0, limit).
void checkIndices(const Tensor& indices, int64_t limit) {
  for (int64_t i = 0; i < indices.count; ++i) {
    const int32_t index = indices.i32()[i];
    if (index < 0 || index >= limit) {
      fail("the index value " + std::to_string(index) + " is not in [0, " + std::to_string(limit - 1) + "]");
    }
  }
}

// x of [batch, outer, n, inner], indices of [batch, k] -> [batch, outer, k, inner].
void gather(Context&, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Tensor indices = args.intTensor();
  const int64_t batch = args.integer();
  const int64_t outer = args.integer();
  const int64_t n = args.integer();
  const int64_t inner = args.integer();
  if (Dims{batch, outer, n, inner}.count() != x.count) fail("the extents do not cover the tensor");
  if (batch == 0 ? indices.count != 0 : indices.count % batch != 0) fail("the indices do not divide into the batches");
  checkIndices(indices, n);
  const int64_t k = batch == 0 ? 0 : indices.count / batch;
  const Tensor y = results.make(Dims{batch, outer, k, inner}, x.phys);
  const size_t size = bytesOf(x.phys);
  parallelFor(batch * outer * k, inner, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t b = row / (outer * k);
      const int64_t o = row / k % outer;
      const int64_t index = indices.i32()[b * k + row % k];
      std::memcpy(y.as<char>() + row * inner * size, x.as<char>() + ((b * outer + o) * n + index) * inner * size,
                  inner * size);
    }
  });
}

// x, indices [k, depth], depth, k: the first `depth` dimensions of x are indexed -> [k, inner].
void gatherNd(Context&, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Tensor indices = args.intTensor();
  const int64_t depth = args.integer();
  if (depth < 0 || depth > x.dims.rank()) fail("an index depth of " + std::to_string(depth));
  const int64_t inner = x.dims.product(static_cast<int>(depth), x.dims.rank());
  const int64_t k = args.integer();
  if (k < 0 || k * depth != indices.count) fail("the indices do not consist of whole rows");
  const Tensor y = results.make(Dims{k, inner}, x.phys);
  const size_t size = bytesOf(x.phys);
  std::atomic<bool> outside{false};
  parallelFor(k, inner + depth, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      int64_t at = 0;
      for (int64_t d = 0; d < depth; ++d) {
        const int32_t index = indices.i32()[row * depth + d];
        if (index < 0 || index >= x.dims[static_cast<int>(d)]) {
          outside = true;
          return;
        }
        at = at * x.dims[static_cast<int>(d)] + index;
      }
      std::memcpy(y.as<char>() + row * inner * size, x.as<char>() + at * inner * size, inner * size);
    }
  });
  if (outside) fail("Invalid indices: an index is outside the tensor " + x.dims.text());
}

}  // namespace

void registerGather(Registry& r) {
  r.add("GatherV2", gather);
  r.add("GatherNd", gatherNd);
}

}  // namespace uc

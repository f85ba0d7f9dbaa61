// Rotary position embedding, half-split: y = [a cos - b sin | b cos + a sin].
//
// x [T, H, D], positions i32 [T]. Memory bound: x is read and y written once; one sine and cosine per token and pair,
// shared by the heads. The gradient is the rotation by the opposite angle.
#include <cmath>
#include <vector>

#include "../runtime/parallel.h"
#include "fused.h"
#include "rows.h"
#include "vector_math.h"

namespace uc {

namespace {

void rotate(const Tensor& x, const Tensor& positions, double theta, bool inverse, const Tensor& y) {
  const int64_t tokens = x.dims[0], heads = x.dims[1], size = x.dims[2], half = size / 2;
  std::vector<float> frequencies(half);
  for (int64_t k = 0; k < half; ++k) {
    frequencies[k] = static_cast<float>(std::pow(theta, -2.0 * static_cast<double>(k) / static_cast<double>(size)));
  }
  parallelFor(tokens, heads * size * 2 + half * 16, [&](int64_t begin, int64_t end) {
    std::vector<float> cosine(half), sine(half), bufferX(size), bufferY(size);
    for (int64_t token = begin; token < end; ++token) {
      const float position = static_cast<float>(positions.i32()[token]);
      for (int64_t k = 0; k < half; ++k) sinCos(position * frequencies[k], sine[k], cosine[k]);
      if (inverse) {
        for (int64_t k = 0; k < half; ++k) sine[k] = -sine[k];
      }
      for (int64_t head = 0; head < heads; ++head) {
        const int64_t at = (token * heads + head) * size;
        const float* a = readRow(x, at, size, bufferX.data());
        const float* b = a + half;
        float* first = rowTarget(y, at, bufferY.data());
        float* second = first + half;
#pragma omp simd
        for (int64_t k = 0; k < half; ++k) {
          first[k] = a[k] * cosine[k] - b[k] * sine[k];
          second[k] = b[k] * cosine[k] + a[k] * sine[k];
        }
        writeRow(y, at, size, first);
      }
    }
  });
}

}  // namespace

void registerRope(Registry& registry) {
  // x, positions; inverse, theta -> y
  registry.add("Rope", [](Context&, Args& args, Results& results) {
    const Tensor x = args.floatTensor();
    const Tensor positions = args.intTensor();
    const bool inverse = args.flag();
    const double theta = args.real();
    if (x.dims.rank() != 3 || x.dims[2] % 2 != 0 || positions.count != x.dims[0]) {
      fail("x [T, H, D] with even D and positions [T] are needed");
    }
    rotate(x, positions, theta, inverse, results.make(x.dims, x.phys));
  });
}

}  // namespace uc

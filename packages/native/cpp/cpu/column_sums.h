// Sums over rows that come out the same whatever the number of threads: rows fall into fixed parts, each part is summed on
// its own and the parts are added in order.
#pragma once

#include <algorithm>
#include <cstring>

#include "../runtime/context.h"
#include "../runtime/parallel.h"

namespace uc {

// Number of parts for `rows` rows: depends on the size alone.
inline int64_t rowParts(int64_t rows) { return std::clamp<int64_t>(rows / 16, 1, 32); }

// Calls f(firstRow, endRow, sums) for each part with `width` zeroed sums of its own, then adds all parts into `out`.
template <class F>
void sumOverRows(Context& context, int64_t rows, int64_t width, int64_t cost, float* out, const F& f) {
  const int64_t parts = rowParts(rows);
  Scratch<float> sums(context, std::max<int64_t>(parts * width, 1));
  parallelFor(parts, cost * rows / parts, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      float* own = sums.data() + part * width;
      std::memset(own, 0, static_cast<size_t>(width) * sizeof(float));
      f(rows * part / parts, rows * (part + 1) / parts, own);
    }
  });
  parallelFor(width, parts, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float total = 0.0f;
      for (int64_t part = 0; part < parts; ++part) total += sums[part * width + i];
      out[i] = total;
    }
  }, 16);
}

}  // namespace uc

// One sum per row of a matrix of few long rows, the same whatever the number of threads: each row is cut into runs of fixed
// length, every run is summed on its own and the runs are added in order.
#pragma once

#include <algorithm>

#include "../runtime/context.h"
#include "../runtime/parallel.h"

namespace uc {

constexpr int64_t kSumRun = 4096;

// `f(row, begin, end)` gives the sum over columns [begin, end) of a row as double; `finish(row, sum)` takes the whole sum.
template <class F, class G>
void sumEachRow(Context& context, int64_t rows, int64_t columns, int64_t cost, const F& f, const G& finish) {
  const int64_t runs = (columns + kSumRun - 1) / kSumRun;
  Scratch<double> sums(context, std::max<int64_t>(rows * runs, 1));
  parallelFor(rows * runs, kSumRun * cost, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t at = i % runs * kSumRun;
      sums[i] = f(i / runs, at, std::min(at + kSumRun, columns));
    }
  });
  for (int64_t row = 0; row < rows; ++row) {
    double total = 0.0;
    for (int64_t run = 0; run < runs; ++run) total += sums[row * runs + run];
    finish(row, total);
  }
}

}  // namespace uc

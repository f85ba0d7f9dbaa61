// One sum per row of a matrix of few long rows: each row is cut into runs of fixed length, a block sums each, and the runs are
// added in order.
#pragma once

#include "values.h"

namespace uc {

constexpr int64_t kSumRun = 4096;

// `f(row, column)` gives a term as double; `finish(row, sum)` takes the whole sum, on one thread.
template <class F, class G>
void sumEachRow(Context& context, int64_t rows, int64_t columns, const F& f, const G& finish) {
  const int64_t runs = (columns + kSumRun - 1) / kSumRun;
  const DeviceScratch<double> memory(context, std::max<int64_t>(rows * runs, 1));
  double* sums = memory.data();
  forEachBlock(context, rows * runs, [=] __device__(int64_t item) {
    const int64_t row = item / runs, begin = item % runs * kSumRun;
    const int64_t end = begin + kSumRun < columns ? begin + kSumRun : columns;
    double own = 0;
    for (int64_t i = begin + threadIdx.x; i < end; i += kBlockThreads) own += f(row, i);
    own = blockSum(own);
    if (threadIdx.x == 0) sums[item] = own;
  });
  forEach(context, rows, [=] __device__(int64_t row) {
    double total = 0;
    for (int64_t run = 0; run < runs; ++run) total += sums[row * runs + run];
    finish(row, total);
  });
}

}  // namespace uc

// Sums over rows that come out the same every time: rows fall into parts of a number that depends on sizes alone, each part is
// summed by one thread per column, and the parts are added in order.
#pragma once

#include "values.h"

namespace uc {

// out[column] = sum over rows of f(row, column).
template <class F>
void columnSums(Context& context, int64_t rows, int64_t width, float* out, const F& f) {
  const int64_t parts = std::clamp<int64_t>(rows / 32, 1, 128);
  const DeviceScratch<float> sums(context, std::max<int64_t>(parts * width, 1));
  float* partial = sums.data();
  forEach(context, parts * width, [=] __device__(int64_t item) {
    const int64_t part = item / width, column = item % width;
    float own = 0;
    for (int64_t row = rows * part / parts; row < rows * (part + 1) / parts; ++row) own += f(row, column);
    partial[item] = own;
  });
  forEach(context, width, [=] __device__(int64_t column) {
    float total = 0;
    for (int64_t part = 0; part < parts; ++part) total += partial[part * width + column];
    out[column] = total;
  });
}

}  // namespace uc

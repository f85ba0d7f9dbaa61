// What a softmax needs of a row: its maximum, and the logarithm of the sum of exponentials.
#pragma once

#include <algorithm>
#include <cmath>

#include "lanes.h"

namespace uc {

template <class X>
float rowMax(const X* x, int64_t n) {
  Lanes most[4];
  for (Lanes& m : most) m = allLanes(-INFINITY);
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int u = 0; u < 4; ++u) most[u] = larger(loadLanes(x + i + u * kLanes), most[u]);
  }
  for (; i + kLanes <= n; i += kLanes) most[0] = larger(loadLanes(x + i), most[0]);
  if (i < n) most[1] = larger(loadPart(x + i, n - i, -INFINITY), most[1]);
  return maxLanes(larger(larger(most[0], most[1]), larger(most[2], most[3])));
}

inline float logSumExp(const float* x, int64_t n) {
  const float most = rowMax(x, n);
  Lanes sum[2] = {};
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    for (int u = 0; u < 2; ++u) sum[u] += expLanes(loadLanes(x + i + u * kLanes) - most);
  }
  for (; i < n; i += kLanes) {
    const int64_t count = std::min<int64_t>(kLanes, n - i);
    sum[0] += expLanes(loadPart(x + i, count, -INFINITY) - most);
  }
  return most + std::log(sumLanes(sum[0] + sum[1]));
}

}  // namespace uc

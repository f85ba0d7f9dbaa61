// What an optimizer works through: many tensors as one list of stretches, so that small ones share the threads too.
#pragma once

#include <algorithm>
#include <vector>

#include "../runtime/args.h"

namespace uc {

// Elements that share a key of the random rounding; also the unit of work.
constexpr int64_t kOptimizerBlock = 16384;

// Elements [begin, begin + count) of item `item` of a list; at most kOptimizerBlock.
struct Stretch {
  int64_t begin;
  int32_t item, count;
};

// The stretches of all items, in order. `count` gives the elements of an item.
template <class T, class Count>
std::vector<Stretch> stretchesOf(const std::vector<T>& list, const Count& count) {
  std::vector<Stretch> stretches;
  for (size_t item = 0; item < list.size(); ++item) {
    const int64_t n = count(list[item]);
    for (int64_t at = 0; at < n; at += kOptimizerBlock) {
      stretches.push_back({at, static_cast<int32_t>(item), static_cast<int32_t>(std::min(kOptimizerBlock, n - at))});
    }
  }
  return stretches;
}

// The global norm that gradients are clipped by, before it is read.
inline void checkNorm(const Tensor& norm) {
  if (norm.phys != Phys::F32 || norm.count != 1) fail("the norm must be one value stored as f32");
}

}  // namespace uc

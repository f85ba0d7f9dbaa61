// Numbers as one byte each, in blocks that share a scale (Dettmers et al. 2022, arXiv 2110.02861): a block keeps its largest
// magnitude, and each number is the index of its share of that in an ascending table of 256 values.
#pragma once

#include "../runtime/host_device.h"

#include <cstdint>

namespace uc {

constexpr int64_t kCodeBlock = 256;  // numbers that share a scale
constexpr int kCodes = 256;

inline int64_t codeBlocks(int64_t count) { return (count + kCodeBlock - 1) / kCodeBlock; }

// The code of a share, at random one of its two neighbours in the table such that it is right on average.
// `random`: 16 bits. Rounding to nearest would stand still where a step changes a moment by less than half a gap.
UC_HD inline int randomCode(const float* table, float share, uint32_t random) {
  int code = 0;
  for (int step = kCodes / 2; step > 0; step /= 2) code += share >= table[code + step] ? step : 0;
  code = code < kCodes - 2 ? code : kCodes - 2;
  const float above = (share - table[code]) / (table[code + 1] - table[code]);
  return code + (static_cast<float>(random & 0xFFFFu) * 0x1p-16f < above ? 1 : 0);
}

// As randomCode() for a table that begins with 0: what is above 0 never becomes 0, a denominator must not vanish.
UC_HD inline int randomPositiveCode(const float* table, float share, uint32_t random) {
  const int code = randomCode(table, share, random);
  return code == 0 && share > 0.0f ? 1 : code;
}

}  // namespace uc

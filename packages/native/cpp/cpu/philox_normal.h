// Uniform and normal numbers from Philox words, step by step as src/ops/philox.ts, and the same bits. Must be compiled without
// fused multiply-adds, which would round differently from JavaScript.
#pragma once

#include <cmath>

#include "philox.h"

namespace uc {

UC_HD inline int highestBit(uint64_t n) {
#ifdef __CUDA_ARCH__
  return 63 - __clzll(static_cast<long long>(n));
#else
  return 63 - __builtin_clzll(n);
#endif
}

// -2 ln((word + 1) / 2^32)
UC_HD inline double minusTwoLog(uint32_t word) {
  const uint64_t n = uint64_t{word} + 1;
  int exponent = highestBit(n);
  double m = static_cast<double>(n) / static_cast<double>(uint64_t{1} << exponent);
  if (m > 1.4142135623730951) {
    m = m * 0.5;
    exponent = exponent + 1;
  }
  const double s = (m - 1) / (m + 1);
  const double z = s * s;
  double p = 1.0 / 15;
  for (const double c : {1.0 / 13, 1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1.0}) p = p * z + c;
  const double logarithm = 2 * s * p + (exponent - 32) * 0.6931471805599453;
  return -2 * logarithm;
}

struct NormalPair {
  float first, second;
};

// Box-Muller; the second word is an angle in units of 2 pi / 2^32, reduced to a quarter turn around zero.
UC_HD inline NormalPair boxMuller(uint32_t word, uint32_t turn) {
  const double radius = std::sqrt(minusTwoLog(word));
  const uint64_t quarter = (uint64_t{turn} + (1u << 29)) >> 30;
  const double angle = static_cast<double>(static_cast<int64_t>(turn) - static_cast<int64_t>(quarter << 30)) *
                       1.4629180792671596e-9;
  const double z = angle * angle;
  double cosine = 1.0 / 479001600;
  for (const double c : {-1.0 / 3628800, 1.0 / 40320, -1.0 / 720, 1.0 / 24, -0.5, 1.0}) cosine = cosine * z + c;
  double sine = 1.0 / 6227020800.0;
  for (const double c : {-1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6, 1.0}) sine = sine * z + c;
  sine = sine * angle;
  const int side = static_cast<int>(quarter & 3);
  const double x = side == 0 ? cosine : side == 1 ? -sine : side == 2 ? -cosine : sine;
  const double y = side == 0 ? sine : side == 1 ? cosine : side == 2 ? -sine : -cosine;
  return {static_cast<float>(radius * x), static_cast<float>(radius * y)};
}

UC_HD inline void normalBlock(const PhiloxBlock& block, float* out) {
  for (int pair = 0; pair < 4; pair += 2) {
    const NormalPair values = boxMuller(block.word[pair], block.word[pair + 1]);
    out[pair] = values.first;
    out[pair + 1] = values.second;
  }
}

UC_HD inline void uniformBlock(const PhiloxBlock& block, float* out) {
  for (int i = 0; i < 4; ++i) out[i] = unitFloat(block.word[i]);
}

}  // namespace uc

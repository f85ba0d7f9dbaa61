// One element of AdamW and its random rounding, for kernels without vectors.
#pragma once

#include <algorithm>
#include <cmath>

#include "../runtime/args.h"

namespace uc {

struct AdamW {
  float lr, beta1, beta2, rest1, rest2, eps, correction1, correction2, decay, factor;

  // lr, beta1, beta2, eps, correction1, correction2; decay and factor are left at 0.
  static AdamW read(Args& args) {
    AdamW settings{};
    settings.lr = static_cast<float>(args.real());
    const double beta1 = args.real(), beta2 = args.real();
    settings.beta1 = static_cast<float>(beta1);
    settings.beta2 = static_cast<float>(beta2);
    // In float32, 1 - 0.999f would be wrong in the fifth digit.
    settings.rest1 = static_cast<float>(1.0 - beta1);
    settings.rest2 = static_cast<float>(1.0 - beta2);
    for (float* value : {&settings.eps, &settings.correction1, &settings.correction2}) {
      *value = static_cast<float>(args.real());
    }
    return settings;
  }
  // What gradients are scaled by so that their norm is at most `clip` (0: no limit).
  UC_HD static float clipFactor(double clip, double norm) {
    const double factor = clip / (norm + 1e-6);
    return clip > 0 && factor < 1.0 ? static_cast<float>(factor) : 1.0f;
  }
  // The new value of a weight; changes its moments.
  UC_HD float update(float w, float gradient, float& first, float& second) const {
    const float g = gradient * factor;
    first = beta1 * first + rest1 * g;
    second = beta2 * second + rest2 * g * g;
    return (1.0f - lr * decay) * w - lr * (first * correction1) / (std::sqrt(second) * correction2 + eps);
  }
};

// Elements that share a key of the random rounding; also the unit of work.
constexpr int64_t kOptimizerBlock = 16384;

// A well mixed word from a counter: the finaliser of MurmurHash3.
UC_HD inline uint32_t mixed(uint32_t word) {
  word ^= word >> 16;
  word *= 0x85EBCA6Bu;
  word ^= word >> 13;
  word *= 0xC2B2AE35u;
  return word ^ (word >> 16);
}

// bf16 that is `value` on average: rounded up with the probability of the part that is cut off, by 16 random bits.
UC_HD inline bf16 toBf16Randomly(float value, uint32_t random) {
  const uint32_t bits = bitsOfFloat(value);
  const bool finite = (bits & 0x7F800000u) != 0x7F800000u;
  return finite ? static_cast<bf16>((bits + (random & 0xFFFFu)) >> 16) : toBf16(value);
}

}  // namespace uc

// One element of AdamW and its random rounding. A value V is a float or a vector of floats, a word W one or several of 32 bits.
#pragma once

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
  template <class V>
  UC_HD void updateMoments(V gradient, V& first, V& second) const {
    const V g = gradient * factor;
    first = beta1 * first + rest1 * g;
    second = beta2 * second + rest2 * g * g;
  }
  // The new value of a weight by its first moment and the root of its second.
  template <class V>
  UC_HD V weight(V w, V first, V root) const {
    return (1.0f - lr * decay) * w - lr * (first * correction1) / (root * correction2 + eps);
  }
  // Both for one element.
  UC_HD float update(float w, float gradient, float& first, float& second) const {
    updateMoments(gradient, first, second);
    return weight(w, first, std::sqrt(second));
  }
};

// A well mixed word from a counter: the finaliser of MurmurHash3.
template <class W>
UC_HD W mixed(W word) {
  word ^= word >> 16;
  word *= 0x85EBCA6Bu;
  word ^= word >> 13;
  word *= 0xC2B2AE35u;
  return word ^ (word >> 16);
}

// The bits of a float cut to those of a bf16 that is the same on average: rounded up with the probability of the part that
// is cut off, by 16 random bits. Infinity and NaN stay. Rounding to nearest would lose every change of a moment below 1/256
// of it, that is all of a second moment with beta2 = 0.999.
template <class W>
UC_HD W cutRandomly(W bits, W random) {
  const W cut = (bits + (random & 0xFFFFu)) & 0xFFFF0000u;
  return (bits & 0x7F800000u) == 0x7F800000u ? bits : cut;
}
UC_HD inline bf16 toBf16Randomly(float value, uint32_t random) {
  return toBf16(floatOfBits(cutRandomly(bitsOfFloat(value), random)));
}

}  // namespace uc

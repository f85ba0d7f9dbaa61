// What the formulas of unary.inc, unary_grad.inc and binary.inc use.
#pragma once

#include <cmath>
#include <cstdint>

#include "../cpu/fast_math.h"
#include "../runtime/host_device.h"

namespace uc {

constexpr float kSeluAlpha = 1.7580993408473768599402175208123f;
constexpr float kSeluScale = 1.0507009873554804934193349852946f;

// 0 for NaN, as tfjs-core wants it.
UC_HD inline float sign(float x) { return static_cast<float>((x > 0) - (x < 0)); }

// As JavaScript's Math.max and Math.min: a NaN operand gives NaN.
UC_HD inline float maximum(float x, float y) { return x > y || x != x ? x : y; }
UC_HD inline float minimum(float x, float y) { return x < y || x != x ? x : y; }

UC_HD inline int32_t wrap(int64_t v) { return static_cast<int32_t>(static_cast<uint32_t>(v)); }

// Integer power with wrap-around; a negative exponent truncates towards zero.
UC_HD inline int32_t integerPower(int32_t base, int32_t exponent) {
  return static_cast<int32_t>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
}

}  // namespace uc

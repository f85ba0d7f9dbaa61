// SiLU and tanh-GELU with their slopes.
#pragma once

#include "../cpu/vector_math.h"

namespace uc {

constexpr float kGeluScale = 0.7978845608028654f;  // sqrt(2 / pi)
constexpr float kGeluCubic = 0.044715f;

UC_HD inline float silu(float x) { return x * sigmoid(x); }

UC_HD inline float siluSlope(float x) {
  const float s = sigmoid(x);
  return s * (1.0f + x * (1.0f - s));
}

// 0.5 (1 + tanh u) = sigmoid(2 u)
UC_HD inline float gelu(float x) { return x * sigmoid(2.0f * kGeluScale * (x + kGeluCubic * x * x * x)); }

UC_HD inline float geluSlope(float x) {
  const float s = sigmoid(2.0f * kGeluScale * (x + kGeluCubic * x * x * x));
  const float inner = 2.0f * kGeluScale * (1.0f + 3.0f * kGeluCubic * x * x);
  return s + x * s * (1.0f - s) * inner;
}

}  // namespace uc

// SiLU and tanh-GELU with their slopes. A value V is a float or a vector of floats; `gate` is the sigmoid of what the gate
// opens on, since vectors have their own.
#pragma once

#include "../cpu/vector_math.h"

namespace uc {

constexpr float kGeluScale = 0.7978845608028654f;  // sqrt(2 / pi)
constexpr float kGeluCubic = 0.044715f;

// silu(x) = x sigmoid(x)
template <class V>
UC_HD V siluSlopeAt(V x, V gate) {
  return gate * (1.0f + x * (1.0f - gate));
}

// 0.5 (1 + tanh u) = sigmoid(2 u): gelu(x) = x sigmoid(geluGate(x))
template <class V>
UC_HD V geluGate(V x) {
  return 2.0f * kGeluScale * (x + kGeluCubic * x * x * x);
}
template <class V>
UC_HD V geluSlopeAt(V x, V gate) {
  return gate + x * gate * (1.0f - gate) * (2.0f * kGeluScale * (1.0f + 3.0f * kGeluCubic * x * x));
}

UC_HD inline float silu(float x) { return x * sigmoid(x); }
UC_HD inline float siluSlope(float x) { return siluSlopeAt(x, sigmoid(x)); }
UC_HD inline float gelu(float x) { return x * sigmoid(geluGate(x)); }
UC_HD inline float geluSlope(float x) { return geluSlopeAt(x, sigmoid(geluGate(x))); }

}  // namespace uc

// Elementary functions in float32 that the compiler turns into vector code: no branches, no tables, no library calls.
// Relative errors are about 2e-7 (exp, sigmoid) and absolute ones about 1e-7 (sine, cosine) over the stated ranges.
#pragma once

#include <cstdint>

#include "../runtime/phys.h"

namespace uc {

// e^x. Below -87.3 the result is exactly 0, above 88.3 it stays at e^88.3.
UC_HD inline float clampedExp(float x) {
  const float clamped = x < -87.3f ? -87.3f : (x > 88.3f ? 88.3f : x);
  // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer.
  const float n = (clamped * 1.44269504f + 12582912.0f) - 12582912.0f;
  const float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const float scale = floatOfBits(static_cast<uint32_t>(static_cast<int32_t>(n) + 127) << 23);
  return x < -87.3f ? 0.0f : p * scale;
}

UC_HD inline float sigmoid(float x) { return 1.0f / (1.0f + clampedExp(-x)); }

// Sine and cosine of an angle of magnitude up to 2^20 or so; the reduction to [-pi/4, pi/4] is done in double.
UC_HD inline void sinCos(float angle, float& sine, float& cosine) {
  const double turns = angle * 0.63661977236758134;
  const double quarter = (turns + 6755399441055744.0) - 6755399441055744.0;
  const float r = static_cast<float>(angle - quarter * 1.5707963267948966);
  const int32_t side = static_cast<int32_t>(quarter);
  const float z = r * r;
  const float s = r + r * z * (-1.6666654611e-1f + z * (8.3321608736e-3f - z * 1.9515295891e-4f));
  const float c = 1.0f - 0.5f * z + z * z * (4.166664568298827e-2f + z * (-1.388731625493765e-3f + z * 2.443315711809948e-5f));
  const float first = (side & 1) ? c : s;
  const float second = (side & 1) ? s : c;
  sine = (side & 2) ? -first : first;
  cosine = ((side + 1) & 2) ? -second : second;
}

}  // namespace uc

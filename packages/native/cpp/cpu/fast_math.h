// Elementary functions as branch-free code that the compiler vectorises. Errors are below 3 units in the last place.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "../runtime/host_device.h"

namespace uc {

UC_HD inline float bitsToFloat(int32_t bits) {
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}

UC_HD inline int32_t floatToBits(float f) {
  int32_t bits;
  std::memcpy(&bits, &f, 4);
  return bits;
}

// e^x. Argument reduction x = n ln2 + r with |r| <= ln2 / 2, a polynomial in r, and 2^n in two factors so that results
// down to the denormals and up to infinity come out right. NaN stays NaN.
UC_HD inline float fastExp(float x) {
  const float low = x < -104.0f ? -104.0f : x;
  const float z = low > 89.0f ? 89.0f : low;
  const float n = std::nearbyint(z * 1.44269504088896341f);
  const float r = (z - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const int32_t k = static_cast<int32_t>(n);
  const int32_t half = k >> 1;
  return p * bitsToFloat((half + 127) << 23) * bitsToFloat((k - half + 127) << 23);
}

// Natural logarithm: x = m 2^e with m in [sqrt(1/2), sqrt(2)), a polynomial in m - 1.
UC_HD inline float fastLog(float x) {
  const bool denormal = x < 1.17549435e-38f;
  const float scaled = denormal ? x * 8388608.0f : x;
  const int32_t bits = floatToBits(scaled);
  int32_t e = ((bits >> 23) & 255) - 126 - (denormal ? 23 : 0);
  float m = bitsToFloat((bits & 0x007FFFFF) | 0x3F000000);
  const bool below = m < 0.70710678f;
  e -= below ? 1 : 0;
  m = (below ? m + m : m) - 1.0f;
  const float z = m * m;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  const float fe = static_cast<float>(e);
  float y = p * m * z + fe * -2.12194440e-4f - 0.5f * z;
  y = m + y + fe * 0.693359375f;
  y = x == 0.0f ? -INFINITY : y;
  y = x < 0.0f ? NAN : y;
  return x > 3.402823466e38f || x != x ? x : y;
}

UC_HD inline float fastSigmoid(float x) { return 1.0f / (1.0f + fastExp(-x)); }

// A polynomial near zero, where 1 - 2 / (e^2x + 1) would cancel.
UC_HD inline float fastTanh(float x) {
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float small = p * z * x + x;
  const float large = 1.0f - 2.0f / (fastExp(2.0f * x) + 1.0f);
  return std::fabs(x) < 0.625f ? small : large;
}

}  // namespace uc

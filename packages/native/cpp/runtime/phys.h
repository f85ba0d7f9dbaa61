// Physical element types of a slot and the conversions between them.
//
// TensorFlow.js knows the logical types float32, int32 and bool. A slot that is logically float32 may be stored as
// f32 or as bf16; int32 is i32 and bool is u8 (0 or 1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "host_device.h"

namespace uc {

enum class Phys : uint8_t { F32 = 0, BF16 = 1, I32 = 2, U8 = 3 };

using bf16 = uint16_t;

inline size_t bytesOf(Phys phys) {
  switch (phys) {
    case Phys::F32:
    case Phys::I32:
      return 4;
    case Phys::BF16:
      return 2;
    case Phys::U8:
      return 1;
  }
  return 0;
}

inline const char* nameOf(Phys phys) {
  switch (phys) {
    case Phys::F32:
      return "f32";
    case Phys::BF16:
      return "bf16";
    case Phys::I32:
      return "i32";
    case Phys::U8:
      return "u8";
  }
  return "?";
}

UC_HD inline bool isFloat(Phys phys) { return phys == Phys::F32 || phys == Phys::BF16; }

// Result type of an arithmetic kernel on two float operands: f32 as soon as one of them is f32.
inline Phys promote(Phys a, Phys b) { return a == Phys::BF16 && b == Phys::BF16 ? Phys::BF16 : Phys::F32; }

UC_HD inline float floatOfBits(uint32_t bits) {
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}

UC_HD inline uint32_t bitsOfFloat(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  return bits;
}

UC_HD inline float toFloat(bf16 v) { return floatOfBits(static_cast<uint32_t>(v) << 16); }

// Round to nearest, ties to even; a NaN stays a (quiet) NaN.
UC_HD inline bf16 toBf16(float f) {
  const uint32_t bits = bitsOfFloat(f);
  const uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  const uint32_t nan = (bits >> 16) | 0x40u;
  return static_cast<bf16>((bits & 0x7FFFFFFFu) > 0x7F800000u ? nan : rounded);
}

inline void widen(const bf16* __restrict from, float* __restrict to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] = toFloat(from[i]);
}

inline void narrow(const float* __restrict from, bf16* __restrict to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] = toBf16(from[i]);
}

}  // namespace uc

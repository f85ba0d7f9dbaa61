// Vectors of floats for memory-bound kernels, in the compiler's portable vector types: a kernel written once reads and
// writes f32 or bf16 and computes in f32. Where the compiler finds long ways (conversions, e^x), AVX-512 is named outright.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#ifdef __AVX512F__
// GCC 12 takes the undefined vectors inside its own intrinsics for mistakes (bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

#include "../runtime/tensor.h"

namespace uc {

#ifdef __AVX512F__
constexpr int kLanes = 16;
#else
constexpr int kLanes = 8;
#endif

typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float))));
typedef int32_t IntLanes __attribute__((vector_size(kLanes * sizeof(int32_t))));
typedef uint32_t WordLanes __attribute__((vector_size(kLanes * sizeof(uint32_t))));
typedef uint16_t HalfLanes __attribute__((vector_size(kLanes * sizeof(uint16_t))));

inline Lanes loadLanes(const float* p) {
  Lanes v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline Lanes loadLanes(const bf16* p) {
  HalfLanes half;
  std::memcpy(&half, p, sizeof half);
#ifdef __AVX512F__
  return (Lanes)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)half), 16);
#else
  return (Lanes)(__builtin_convertvector(half, WordLanes) << 16);
#endif
}

// Rounds to nearest even like toBf16(); AVX512_BF16 takes magnitudes below 2^-126 for 0.
inline HalfLanes narrowLanes(Lanes v) {
#ifdef __AVX512BF16__
  return (HalfLanes)_mm512_cvtneps_pbh((__m512)v);
#else
  const WordLanes bits = (WordLanes)v, top = bits >> 16;
  const WordLanes rounded = (bits + 0x7FFFu + (top & 1u)) >> 16;
  return __builtin_convertvector(v == v ? rounded : top | 0x40u, HalfLanes);
#endif
}

inline void storeLanes(float* p, Lanes v) { std::memcpy(p, &v, sizeof v); }
inline void storeLanes(bf16* p, Lanes v) {
  const HalfLanes half = narrowLanes(v);
  std::memcpy(p, &half, sizeof half);
}

// Asks for a value that will be read soon, for example in the next row: passes over a row that is in cache would otherwise
// leave the memory idle. Any address will do.
template <class T>
void prefetch(const T* p) {
  __builtin_prefetch(p);
}

// The first n < kLanes values, `rest` behind them.
template <class T>
Lanes loadPart(const T* p, int64_t n, float rest = 0.0f) {
  T buffer[kLanes] = {};
  std::memcpy(buffer, p, static_cast<size_t>(n) * sizeof(T));
  Lanes v = loadLanes(buffer);
  for (int64_t i = n; i < kLanes; ++i) v[i] = rest;
  return v;
}
template <class T>
void storePart(T* p, int64_t n, Lanes v) {
  T buffer[kLanes];
  storeLanes(buffer, v);
  std::memcpy(p, buffer, static_cast<size_t>(n) * sizeof(T));
}

inline Lanes allLanes(float x) { return Lanes{} + x; }
inline Lanes larger(Lanes a, Lanes b) { return a > b ? a : b; }

// By halves: the same order for every caller.
inline float sumLanes(Lanes v) {
  float x[kLanes];
  std::memcpy(x, &v, sizeof v);
  for (int n = kLanes / 2; n > 0; n /= 2) {
    for (int i = 0; i < n; ++i) x[i] += x[i + n];
  }
  return x[0];
}
inline float maxLanes(Lanes v) {
  float x[kLanes];
  std::memcpy(x, &v, sizeof v);
  for (int n = kLanes / 2; n > 0; n /= 2) {
    for (int i = 0; i < n; ++i) x[i] = x[i + n] > x[i] ? x[i + n] : x[i];
  }
  return x[0];
}

inline Lanes sqrtLanes(Lanes v) {
#ifdef __AVX512F__
  return (Lanes)_mm512_sqrt_ps((__m512)v);
#else
  for (int i = 0; i < kLanes; ++i) v[i] = __builtin_sqrtf(v[i]);
  return v;
#endif
}

#ifdef __AVX512F__
// e^x, relative error 2e-7: x = n ln2 + r with |r| <= ln2 / 2, a polynomial in r, times 2^n. 0 below -104, e^88.7 above
// 88.7; NaN stays NaN.
inline Lanes expLanes(Lanes x) {
  // Of a NaN and a number these give the second operand.
  const __m512 z = _mm512_min_ps(_mm512_set1_ps(88.7f), _mm512_max_ps(_mm512_set1_ps(-104.0f), (__m512)x));
  const __m512 turns = _mm512_mul_ps(z, _mm512_set1_ps(1.44269504f));
  const __m512 n = _mm512_roundscale_ps(turns, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 most = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), z);
  const __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), most);
  __m512 p = _mm512_set1_ps(1.3981999507e-3f);
  for (const float c : {8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f, 1.0f, 1.0f}) {
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c));
  }
  return (Lanes)_mm512_scalef_ps(p, n);
}
#else
// e^x like clampedExp() of vector_math.h: 0 below -87.3, e^88.3 above 88.3; NaN stays NaN.
inline Lanes expLanes(Lanes x) {
  const Lanes low = x < -87.3f ? allLanes(-87.3f) : x;
  const Lanes clamped = low > 88.3f ? allLanes(88.3f) : low;
  // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer.
  const Lanes n = (clamped * 1.44269504f + 12582912.0f) - 12582912.0f;
  const Lanes r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  Lanes p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const Lanes scale = (Lanes)((__builtin_convertvector(n, IntLanes) + 127) << 23);
  return x < -87.3f ? Lanes{} : p * scale;
}
#endif
inline Lanes sigmoid(Lanes x) { return 1.0f / (1.0f + expLanes(-x)); }

// Calls f with a null pointer of the element type of a float tensor.
template <class F>
auto withFloats(Phys phys, const F& f) {
  return phys == Phys::BF16 ? f(static_cast<bf16*>(nullptr)) : f(static_cast<float*>(nullptr));
}

// Calls f(i, load, store) over [begin, end) in steps of a vector: load(pointer) and store(pointer, lanes) work on element i
// of an array of floats or bf16, also at the end, where fewer than a vector are left.
template <class F>
void eachVector(int64_t begin, int64_t end, const F& f) {
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    f(i, [i](const auto* p) { return loadLanes(p + i); }, [i](auto p, Lanes v) { storeLanes(p + i, v); });
  }
  if (i == end) return;
  const int64_t n = end - i;
  f(i, [i, n](const auto* p) { return loadPart(p + i, n); }, [i, n](auto p, Lanes v) { storePart(p + i, n, v); });
}

}  // namespace uc

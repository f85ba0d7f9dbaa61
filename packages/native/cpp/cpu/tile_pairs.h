// Small bf16 matrix products that stay in cache, for the tiles of attention: C = A B or C += A B with f32 sums.
//
// The processor's dot product (AVX512_BF16) takes two neighbouring k at once. So B is stored in pairs of rows, [k/2][n][2],
// with n a multiple of 16; A is row-major with an even k and its pairs are broadcast. The inner kernel keeps 4 rows x 4
// vectors of C in registers (8 x 2 or 8 x 1 where n is no multiple of 64): 16 dot products of 32 multiply-adds per 8 loads.
// Compute bound.
#pragma once

#ifdef __AVX512BF16__

#include <cstdint>
#include <cstring>

#include "lanes.h"

namespace uc {

constexpr int kPairLanes = 16;

struct PairA {
  const bf16* data;
  int64_t rowStride;
};

struct PairB {
  const bf16* data;
  int64_t width;  // n
};

struct PairC {
  float* data;
  int64_t rowStride;
  bool accumulate;
};

template <int Rows, int Vectors>
inline void pairKernel(int64_t pairs, const bf16* a, int64_t rowA, const bf16* b, int64_t rowB, float* c, int64_t rowC,
                       bool accumulate) {
  __m512 sum[Rows][Vectors];
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      sum[r][v] = accumulate ? _mm512_loadu_ps(c + r * rowC + v * kPairLanes) : _mm512_setzero_ps();
    }
  }
  for (int64_t p = 0; p < pairs; ++p) {
    __m512bh right[Vectors];
    for (int v = 0; v < Vectors; ++v) {
      right[v] = (__m512bh)_mm512_loadu_si512(b + p * rowB + v * 2 * kPairLanes);
    }
    for (int r = 0; r < Rows; ++r) {
      int32_t pair;
      std::memcpy(&pair, a + r * rowA + 2 * p, sizeof pair);
      const __m512bh left = (__m512bh)_mm512_set1_epi32(pair);
      for (int v = 0; v < Vectors; ++v) sum[r][v] = _mm512_dpbf16_ps(sum[r][v], left, right[v]);
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) _mm512_storeu_ps(c + r * rowC + v * kPairLanes, sum[r][v]);
  }
}

template <int Rows, int Vectors>
inline void pairPanel(int64_t rows, int64_t k, const PairA& a, const PairB& b, const PairC& c, int64_t at) {
  for (int64_t r = 0; r < rows; r += Rows) {
    pairKernel<Rows, Vectors>(k / 2, a.data + r * a.rowStride, a.rowStride, b.data + 2 * at, 2 * b.width,
                              c.data + r * c.rowStride + at, c.rowStride, c.accumulate);
  }
}

// C[rows, b.width] from A[rows, k] and B; rows is a multiple of 8, k of 2.
inline void pairGemm(int64_t rows, int64_t k, const PairA& a, const PairB& b, const PairC& c) {
  int64_t at = 0;
  for (; at + 4 * kPairLanes <= b.width; at += 4 * kPairLanes) pairPanel<4, 4>(rows, k, a, b, c, at);
  for (; at + 2 * kPairLanes <= b.width; at += 2 * kPairLanes) pairPanel<8, 2>(rows, k, a, b, c, at);
  for (; at < b.width; at += kPairLanes) pairPanel<8, 1>(rows, k, a, b, c, at);
}

// Row-major [rows, width] as pairs of rows [rows/2][width][2]; rows is even.
inline void pairRows(const bf16* from, int64_t rows, int64_t width, bf16* to) {
  for (int64_t r = 0; r < rows; r += 2) {
    for (int64_t i = 0; i < width; ++i) {
      to[r * width + 2 * i] = from[r * width + i];
      to[r * width + 2 * i + 1] = from[(r + 1) * width + i];
    }
  }
}

// The transpose of row-major [rows, width] as pairs of its rows, [width/2][rows][2]: neighbours within a row stay together.
inline void pairColumns(const bf16* from, int64_t rows, int64_t width, bf16* to) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t p = 0; p < width / 2; ++p) std::memcpy(to + 2 * (p * rows + r), from + r * width + 2 * p, 4);
  }
}

// 2^x. x = n + f with |f| <= 1/2; the polynomial is a minimax fit of 2^f (relative error 1e-7), exact at 0. Below 2^-149
// the result is 0; NaN stays NaN.
inline __m512 exp2Lanes(__m512 x) {
  const __m512 z = _mm512_max_ps(_mm512_set1_ps(-160.0f), x);
  const __m512 n = _mm512_roundscale_ps(z, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 f = _mm512_sub_ps(z, n);
  __m512 p = _mm512_set1_ps(1.326472731e-3f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.671512991e-3f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.550733581e-2f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.402224243e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.931470037e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(p, n);
}

}  // namespace uc

#endif  // __AVX512BF16__

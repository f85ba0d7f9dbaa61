// Small matrix products that stay in cache, for the tiles of attention: C = A B or C += A B in f32.
//
// B and C are row-major with a width that is a multiple of kLanes; A has free strides, so its transpose costs nothing.
// The inner kernel keeps 4 rows x 4 vectors of C in registers: 16 multiply-adds per 8 loads. Compute bound.
#pragma once

#include <cstdint>

#include "lanes.h"

namespace uc {

constexpr int kPanel = 4;

struct TileA {
  const float* data;
  int64_t rowStride, colStride;
};

struct TileB {
  const float* data;
  int64_t rowStride;
};

struct TileC {
  float* data;
  int64_t rowStride;
  bool accumulate;
};

template <int Rows, int Vectors>
inline void tileKernel(int64_t k, const float* a, int64_t rowA, int64_t colA, const float* b, int64_t rowB, float* c,
                       int64_t rowC, bool accumulate) {
  Lanes sum[Rows][Vectors];
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) sum[r][v] = accumulate ? loadLanes(c + r * rowC + v * kLanes) : Lanes{};
  }
  for (int64_t i = 0; i < k; ++i) {
    Lanes right[Vectors];
    for (int v = 0; v < Vectors; ++v) right[v] = loadLanes(b + i * rowB + v * kLanes);
    for (int r = 0; r < Rows; ++r) {
      const float left = a[r * rowA + i * colA];
      for (int v = 0; v < Vectors; ++v) sum[r][v] += left * right[v];
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) storeLanes(c + r * rowC + v * kLanes, sum[r][v]);
  }
}

template <int Vectors>
inline void tilePanel(int64_t rows, int64_t k, const TileA& a, const float* b, int64_t rowB, float* c, const TileC& out) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    tileKernel<4, Vectors>(k, a.data + r * a.rowStride, a.rowStride, a.colStride, b, rowB, c + r * out.rowStride,
                           out.rowStride, out.accumulate);
  }
  for (; r < rows; ++r) {
    tileKernel<1, Vectors>(k, a.data + r * a.rowStride, a.rowStride, a.colStride, b, rowB, c + r * out.rowStride,
                           out.rowStride, out.accumulate);
  }
}

// C[rows, width] from A[rows, k] and B[k, width]; width is a multiple of kLanes.
inline void tileGemm(int64_t rows, int64_t k, int64_t width, const TileA& a, const TileB& b, const TileC& c) {
  int64_t at = 0;
  for (; at + kPanel * kLanes <= width; at += kPanel * kLanes) {
    tilePanel<kPanel>(rows, k, a, b.data + at, b.rowStride, c.data + at, c);
  }
  for (; at + 2 * kLanes <= width; at += 2 * kLanes) tilePanel<2>(rows, k, a, b.data + at, b.rowStride, c.data + at, c);
  for (; at < width; at += kLanes) tilePanel<1>(rows, k, a, b.data + at, b.rowStride, c.data + at, c);
}

// A row length rounded up so that it can be the width of a product.
inline int64_t paddedWidth(int64_t n) { return (n + 15) / 16 * 16; }

}  // namespace uc

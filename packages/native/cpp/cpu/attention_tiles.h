// The forward pass of one query tile, shared by packed and cached attention.
#pragma once

#include <cmath>
#include <limits>

#include "rows.h"
#include "tile_gemm.h"
#include "vector_math.h"

namespace uc {

// Edge of a tile; src/ops/attention-layout.ts classifies tiles of the same size.
constexpr int64_t kTile = 64;
constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

enum class TileClass : int32_t { Empty = 0, Partial = 1, Full = 2 };

inline int64_t tileCount(int64_t n) { return (n + kTile - 1) / kTile; }

// Copies `count` rows of `size` values into a tile of 64 rows of `width`, zeros behind. rowAt(j) gives a pointer to row j.
template <class F>
void packRows(int64_t count, int64_t size, int64_t width, float scale, float* tile, const F& rowAt) {
  for (int64_t j = 0; j < kTile; ++j) {
    float* to = tile + j * width;
    int64_t d = 0;
    if (j < count) {
      const float* from = rowAt(j);
      for (; d < size; ++d) to[d] = from[d] * scale;
    }
    for (; d < width; ++d) to[d] = 0.0f;
  }
}

// The transpose of a packed tile: [size, 64].
inline void transposeTile(const float* tile, int64_t size, int64_t width, float* to) {
  for (int64_t d = 0; d < size; ++d) {
    for (int64_t j = 0; j < kTile; ++j) to[d * kTile + j] = tile[j * width + d];
  }
}

// One key head, packed for products: keys [tiles][size][64] (transposed), values [tiles][64][width].
struct KeyPanels {
  const float* keys;
  const float* values;
  int64_t count;  // of keys
};

struct TileWork {
  float scores[kTile * kTile];
  float maximum[kTile];
  float sum[kTile];
};

// Softmax of a tile of scores into weights, in the running form: earlier results shrink by exp(old - new maximum).
inline void softmaxTile(TileWork& work, int64_t rows, int64_t width, float* out) {
  for (int64_t i = 0; i < rows; ++i) {
    float* s = work.scores + i * kTile;
    float top = work.maximum[i];
#pragma omp simd reduction(max : top)
    for (int64_t j = 0; j < kTile; ++j) top = s[j] > top ? s[j] : top;
    if (top == kMinusInfinity) {
      std::memset(s, 0, kTile * sizeof(float));
      continue;
    }
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < kTile; ++j) {
      s[j] = fastExp(s[j] - top);
      sum += s[j];
    }
    const float shrink = work.maximum[i] == kMinusInfinity ? 0.0f : fastExp(work.maximum[i] - top);
    if (shrink != 1.0f) {
      float* o = out + i * width;
      for (int64_t d = 0; d < width; ++d) o[d] *= shrink;
    }
    work.sum[i] = work.sum[i] * shrink + sum;
    work.maximum[i] = top;
  }
}

// Attention of `rows` queries (packed, already scaled, [64, width]) over all keys of a head.
// visibility.classOf(keyTile) says what a tile needs; visibility.hide(keyTile, count, scores) puts -inf where a key is not
// seen. On return out [64, width] holds the result and logSumExp[i] the logarithm of the row's sum.
template <class Visibility>
void attendTile(const float* queries, int64_t rows, int64_t size, int64_t width, const KeyPanels& panels,
                const Visibility& visibility, TileWork& work, float* out, float* logSumExp) {
  for (int64_t i = 0; i < rows; ++i) {
    work.maximum[i] = kMinusInfinity;
    work.sum[i] = 0.0f;
  }
  std::memset(out, 0, static_cast<size_t>(rows * width) * sizeof(float));
  for (int64_t tile = 0; tile < tileCount(panels.count); ++tile) {
    const TileClass kind = visibility.classOf(tile);
    if (kind == TileClass::Empty) continue;
    const int64_t count = std::min(kTile, panels.count - tile * kTile);
    tileGemm(rows, size, kTile, {queries, width, 1}, {panels.keys + tile * size * kTile, kTile},
             {work.scores, kTile, false});
    if (kind == TileClass::Partial) visibility.hide(tile, count, work.scores);
    if (count < kTile) {
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = count; j < kTile; ++j) work.scores[i * kTile + j] = kMinusInfinity;
      }
    }
    softmaxTile(work, rows, width, out);
    tileGemm(rows, count, width, {work.scores, kTile, 1}, {panels.values + tile * kTile * width, width},
             {out, width, true});
  }
  for (int64_t i = 0; i < rows; ++i) {
    const float inverse = work.sum[i] > 0.0f ? 1.0f / work.sum[i] : 0.0f;
    for (int64_t d = 0; d < width; ++d) out[i * width + d] *= inverse;
    logSumExp[i] = work.maximum[i] + std::log(work.sum[i]);
  }
}

}  // namespace uc

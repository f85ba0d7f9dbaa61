// Packed attention on tensor cores (sm_80 and newer): tiles of 64 tokens in shared memory as bf16, 16 rows per warp.
#pragma once

#include "attention.h"
#include "mma.h"

namespace uc {

// Forward and backward as the plain kernels, for bf16 operands and a head size of 64 or 128; false, with nothing done, for
// others. `delta` [Hq, T] is dy . y; gradients may be f32 or bf16.
bool mmaAttention(Context& context, const PackedOperands& o, const PackedVisibility& visibility, float scale, const Tensor& y,
                  float* logSumExp);
struct AttentionGradients {
  Tensor dq, dk, dv;
};
bool mmaAttentionGrad(Context& context, const PackedOperands& o, const PackedVisibility& visibility, float scale,
                      const Tensor& dy, const float* logSumExp, const float* delta, const AttentionGradients& out);

namespace mma_tiles {

constexpr int kRows = 16, kEdge = 64, kThreads = 128;
constexpr int kPad = 8;  // bf16 values behind a row, against bank conflicts

// 64 rows of D values.
template <int D>
using Tile = bf16[kEdge][D + kPad];

// 16 x D values of a warp as left operands of products.
template <int D>
using Fragments = uint32_t[D / 16][4];

// 16 x 64 and 16 x D sums of a warp.
using Scores = float[kEdge / 8][4];
template <int D>
using Sums = float[D / 8][4];

// One head of a [T, heads, D] tensor.
struct HeadRows {
  const bf16* data;
  int64_t heads, head, tokens;

  __device__ const bf16* row(int64_t token, int size) const { return data + (token * heads + head) * size; }
};

struct alignas(16) Chunk {
  uint32_t words[4];
};

// Tokens [first, first + 64) into shared memory by all threads of a block, zeros behind the last one.
template <int D>
__device__ void loadTile(const HeadRows& from, int64_t first, Tile<D>& tile) {
  constexpr int kPerRow = D / 8;
  for (int i = static_cast<int>(threadIdx.x); i < kEdge * kPerRow; i += kThreads) {
    const int row = i / kPerRow, at = i % kPerRow * 8;
    Chunk chunk{};
    if (first + row < from.tokens) chunk = *reinterpret_cast<const Chunk*>(from.row(first + row, D) + at);
    *reinterpret_cast<Chunk*>(&tile[row][at]) = chunk;
  }
}

// Tokens [first, first + 16) from global memory as a left operand.
template <int D>
__device__ void loadFragments(const HeadRows& from, int64_t first, Fragments<D>& a) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp, g = lane / 4, t = lane % 4;
  for (int s = 0; s < D / 16; ++s) {
    for (int i = 0; i < 4; ++i) {
      const int64_t token = first + g + i % 2 * 8;
      a[s][i] = token < from.tokens ? pairAt(from.row(token, D) + s * 16 + i / 2 * 8 + 2 * t) : 0u;
    }
  }
}

// Rows [row, row + 16) and columns [16 s, 16 s + 16) of a tile as a left operand.
template <int D>
__device__ void fragmentOf(const Tile<D>& tile, int row, int s, uint32_t (&a)[4]) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp, g = lane / 4, t = lane % 4;
  for (int i = 0; i < 4; ++i) a[i] = pairAt(&tile[row + g + i % 2 * 8][s * 16 + i / 2 * 8 + 2 * t]);
}

// scores += left (columns [16 s, 16 s + 16)) tile^T
template <int D>
__device__ void addRowProducts(const uint32_t (&left)[4], const Tile<D>& tile, int s, Scores& scores) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp, g = lane / 4, t = lane % 4;
  for (int n = 0; n < kEdge / 8; ++n) {
    const bf16* row = &tile[n * 8 + g][s * 16 + 2 * t];
    const uint32_t b[2] = {pairAt(row), pairAt(row + 8)};
    mmaBf16(scores[n], left, b);
  }
}

// sums += weights tile, the weights rounded to bf16: accumulators have the layout of left operands.
template <int D>
__device__ void addWeighted(const Scores& weights, const Tile<D>& tile, Sums<D>& sums) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp, g = lane / 4, t = lane % 4;
  for (int s = 0; s < kEdge / 16; ++s) {
    const float(&low)[4] = weights[2 * s];
    const float(&high)[4] = weights[2 * s + 1];
    const uint32_t a[4] = {packBf16(low[0], low[1]), packBf16(low[2], low[3]), packBf16(high[0], high[1]),
                           packBf16(high[2], high[3])};
    for (int n = 0; n < D / 8; ++n) {
      const int k = s * 16 + 2 * t, d = n * 8 + g;
      const uint32_t b[2] = {pairOf(tile[k][d], tile[k + 1][d]), pairOf(tile[k + 8][d], tile[k + 9][d])};
      mmaBf16(sums[n], a, b);
    }
  }
}

// Row and column, in a warp's 16 x 64 scores, of accumulator i of column group n.
__device__ inline int rowOf(int i) { return static_cast<int>(threadIdx.x) % kWarp / 4 + i / 2 * 8; }
__device__ inline int columnOf(int n, int i) { return n * 8 + static_cast<int>(threadIdx.x) % 4 * 2 + i % 2; }

// Writes a warp's rows [first, first + 16) times a factor per half into one head of a [T, heads, D] tensor.
template <int D>
__device__ void storeRows(const Floats& to, int64_t heads, int64_t head, int64_t first, int64_t tokens, const Sums<D>& sums,
                          float low = 1.0f, float high = 1.0f) {
  for (int n = 0; n < D / 8; ++n) {
    for (int i = 0; i < 4; ++i) {
      const int64_t token = first + rowOf(i);
      if (token < tokens) to.put((token * heads + head) * D + columnOf(n, i), sums[n][i] * (i < 2 ? low : high));
    }
  }
}

}  // namespace mma_tiles

}  // namespace uc

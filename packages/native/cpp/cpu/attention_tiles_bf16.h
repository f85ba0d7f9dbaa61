// bf16 tiles of attention (see attention_tiles.h): products by the processor's bf16 dot product with f32 sums, weights
// rounded to bf16 before they meet the values, softmax statistics in f32. Processors without AVX512_BF16 take F32Tiles.
#pragma once

#include "attention_tiles.h"
#include "tile_pairs.h"

#ifdef __AVX512BF16__

namespace uc {

// Keys are stored as pairs of columns [width/2][64][2], values as pairs of rows [32][width][2], queries as rows.
struct Bf16Tiles {
  using Element = bf16;

  static constexpr float kLog2E = 1.44269504088896341f;
  static constexpr float kLn2 = 0.693147180559945309f;
  static constexpr int kVectors = kTile / kPairLanes;

  struct Work {
    alignas(64) float scores[kTile * kTile];
    alignas(64) bf16 weights[kTile * kTile];
    alignas(64) float sums[kTile * kPairLanes];  // of each row by lanes, added up at the end
    float maximum[kTile];                        // in units of log2
  };

  static void makeKeys(const bf16* rows, const HeadSize& head, bf16* keys) { pairColumns(rows, kTile, head.width, keys); }
  static void makeValues(const bf16* rows, const HeadSize& head, bf16* values) {
    pairRows(rows, kTile, head.width, values);
  }

  // Products work on blocks of 8 rows. Rows behind the last query are zeros, so they stay finite.
  static int64_t blockRows(int64_t rows) { return (rows + 7) / 8 * 8; }

  static void clear(Work& work) {
    std::fill(work.maximum, work.maximum + kTile, kMinusInfinity);
    std::fill(work.sums, work.sums + kTile * kPairLanes, 0.0f);
  }

  static void multiplyKeys(const bf16* queries, int64_t rows, const HeadSize& head, const bf16* keys, Work& work) {
    pairGemm(blockRows(rows), head.width, {queries, head.width}, {keys, kTile}, {work.scores, kTile, false});
  }

  static void weigh(Work& work, int64_t rows, const HeadSize& head, float scale, float* out) {
    const __m512 factor = _mm512_set1_ps(scale * kLog2E);
    for (int64_t i = 0; i < blockRows(rows); ++i) {
      __m512 s[kVectors];
      for (int v = 0; v < kVectors; ++v) {
        s[v] = _mm512_mul_ps(_mm512_load_ps(work.scores + i * kTile + v * kPairLanes), factor);
      }
      const __m512 most = _mm512_max_ps(_mm512_max_ps(s[0], s[1]), _mm512_max_ps(s[2], s[3]));
      const float old = work.maximum[i], top = std::max(old, _mm512_reduce_max_ps(most));
      // A row that has seen nothing yet has weights 2^-inf = 0.
      const __m512 base = _mm512_set1_ps(top == kMinusInfinity ? 0.0f : top);
      for (int v = 0; v < kVectors; ++v) s[v] = exp2Lanes(_mm512_sub_ps(s[v], base));
      for (int v = 0; v < kVectors; v += 2) {
        _mm512_store_si512(work.weights + i * kTile + v * kPairLanes, (__m512i)_mm512_cvtne2ps_pbh(s[v + 1], s[v]));
      }
      __m512 sum = _mm512_add_ps(_mm512_add_ps(s[0], s[1]), _mm512_add_ps(s[2], s[3]));
      if (top == old || old == kMinusInfinity) {
        sum = _mm512_add_ps(sum, _mm512_load_ps(work.sums + i * kPairLanes));
      } else {
        const __m512 shrink = exp2Lanes(_mm512_set1_ps(old - top));
        sum = _mm512_fmadd_ps(_mm512_load_ps(work.sums + i * kPairLanes), shrink, sum);
        for (float* o = out + i * head.width; o < out + (i + 1) * head.width; o += kPairLanes) {
          _mm512_storeu_ps(o, _mm512_mul_ps(_mm512_loadu_ps(o), shrink));
        }
      }
      _mm512_store_ps(work.sums + i * kPairLanes, sum);
      work.maximum[i] = top;
    }
  }

  static void addValues(const Work& work, int64_t rows, const HeadSize& head, const bf16* values, float* out) {
    pairGemm(blockRows(rows), kTile, {work.weights, kTile}, {values, head.width}, {out, head.width, true});
  }

  static float rowSum(const Work& work, int64_t i) { return _mm512_reduce_add_ps(_mm512_load_ps(work.sums + i * kPairLanes)); }
  static float rowMaximum(const Work& work, int64_t i) { return work.maximum[i] * kLn2; }
};

}  // namespace uc

#endif  // __AVX512BF16__

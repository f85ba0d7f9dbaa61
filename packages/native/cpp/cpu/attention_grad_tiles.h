// The gradient of one pair of tiles (64 queries x 64 keys) of one head, as a policy: F32GradTiles for any processor,
// Bf16GradTiles for those that multiply bf16. attention_grad.cc walks over the pairs.
//
// With s = scale q k^T, p = exp(s - lse), dp = dy v^T, ds = scale p (dp - delta):
//   dv += p^T dy      dk += ds^T q      dq += ds k
// A policy keeps every tile of rows in the forms that its products need; each form has 64 * width elements.
#pragma once

#include "attention.h"
#include "attention_tiles_bf16.h"

namespace uc {

// A pair of tiles as the layout sees it.
struct TilePair {
  const Layout& layout;
  int64_t queryTile, keyTile;
  TileClass kind;

  int64_t queries() const { return std::min(kTile, layout.tokens - queryTile * kTile); }
  int64_t keys() const { return std::min(kTile, layout.tokens - keyTile * kTile); }
};

// What belongs to the rows of a query tile: the stored log-sum-exp and delta = dy . y. Rows behind the last token, and rows
// that saw no key, have a log-sum-exp so large that their weights are 0.
constexpr float kNoWeight = 1e30f;
struct RowStatistics {
  float logSumExp[kTile];
  float delta[kTile];
};

// Sums of f32, each [64, width] but for dQueries, which a policy may keep transposed.
struct GradSums {
  float *dQueries, *dKeys, *dValues;
};

struct F32GradTiles {
  using Element = float;
  static constexpr int64_t kQueryForms = 2;  // q and dy as rows
  static constexpr int64_t kKeyForms = 4;    // k and v as rows, k and v transposed

  struct Work {
    float weights[kTile * kTile];
    float slopes[kTile * kTile];
  };

  static void packQuery(const float* q, const float* dy, const HeadSize& head, float* forms) {
    std::copy(q, q + head.tile(), forms);
    std::copy(dy, dy + head.tile(), forms + head.tile());
  }
  static void packKey(const float* k, const float* v, const HeadSize& head, float* forms) {
    std::copy(k, k + head.tile(), forms);
    std::copy(v, v + head.tile(), forms + head.tile());
    transposeTile(k, head.width, forms + 2 * head.tile());
    transposeTile(v, head.width, forms + 3 * head.tile());
  }

  static void addPair(const TilePair& pair, const float* query, const float* key, const RowStatistics& rows,
                      const HeadSize& head, float scale, Work& work, const GradSums& sums) {
    const int64_t w = head.width, tile = head.tile(), keys = pair.keys();
    const float *q = query, *dy = query + tile, *k = key, *kColumns = key + 2 * tile, *vColumns = key + 3 * tile;
    tileGemm(kTile, head.size, kTile, {q, w, 1}, {kColumns, kTile}, {work.weights, kTile, false});
    if (pair.kind == TileClass::Partial) {
      pair.layout.hide(pair.queryTile * kTile, pair.queries(), pair.keyTile * kTile, keys, work.weights);
    }
    for (int64_t i = 0; i < kTile; ++i) {
      float* s = work.weights + i * kTile;
      for (int64_t j = 0; j < keys; ++j) s[j] = clampedExp(s[j] * scale - rows.logSumExp[i]);
      std::fill(s + keys, s + kTile, 0.0f);
    }
    tileGemm(kTile, kTile, w, {work.weights, 1, kTile}, {dy, w}, {sums.dValues, w, true});
    tileGemm(kTile, head.size, kTile, {dy, w, 1}, {vColumns, kTile}, {work.slopes, kTile, false});
    for (int64_t i = 0; i < kTile; ++i) {
      float* ds = work.slopes + i * kTile;
      const float* p = work.weights + i * kTile;
      for (int64_t j = 0; j < kTile; ++j) ds[j] = p[j] * (ds[j] - rows.delta[i]) * scale;
    }
    tileGemm(kTile, kTile, w, {work.slopes, 1, kTile}, {q, w}, {sums.dKeys, w, true});
    tileGemm(kTile, kTile, w, {work.slopes, kTile, 1}, {k, w}, {sums.dQueries, w, true});
  }

  // The rows of dQueries.
  static const float* queryGradRows(const float* dQueries, const HeadSize&, float*) { return dQueries; }
};

#ifdef __AVX512BF16__

// Scores are computed transposed (a row per key), so that weights and slopes come out as the left operands of dv and dk.
// dq is summed transposed: its right operand, pairs of rows of the slopes, falls out of the same pass.
struct Bf16GradTiles {
  using Element = bf16;
  static constexpr int64_t kQueryForms = 4;  // pairs of columns of q and dy, pairs of rows of q and dy
  static constexpr int64_t kKeyForms = 3;    // k and v as rows, k transposed

  struct Work {
    alignas(64) float scores[kTile * kTile];
    alignas(64) float slopes[kTile * kTile];
    alignas(64) bf16 weightRows[kTile * kTile];
    alignas(64) bf16 slopeRows[kTile * kTile];
    alignas(64) bf16 slopePairs[kTile * kTile];
  };

  static void packQuery(const bf16* q, const bf16* dy, const HeadSize& head, bf16* forms) {
    pairColumns(q, kTile, head.width, forms);
    pairColumns(dy, kTile, head.width, forms + head.tile());
    pairRows(q, kTile, head.width, forms + 2 * head.tile());
    pairRows(dy, kTile, head.width, forms + 3 * head.tile());
  }
  static void packKey(const bf16* k, const bf16* v, const HeadSize& head, bf16* forms) {
    std::copy(k, k + head.tile(), forms);
    std::copy(v, v + head.tile(), forms + head.tile());
    transposeTile(k, head.width, forms + 2 * head.tile());
  }

  static void addPair(const TilePair& pair, const bf16* query, const bf16* key, const RowStatistics& rows,
                      const HeadSize& head, float scale, Work& work, const GradSums& sums) {
    const int64_t w = head.width, tile = head.tile(), keys = pair.keys();
    pairGemm(kTile, w, {key, w}, {query, kTile}, {work.scores, kTile, false});
    pairGemm(kTile, w, {key + tile, w}, {query + tile, kTile}, {work.slopes, kTile, false});
    if (pair.kind == TileClass::Partial) {
      pair.layout.hideTransposed(pair.queryTile * kTile, pair.queries(), pair.keyTile * kTile, keys, work.scores);
    }
    std::fill(work.scores + keys * kTile, work.scores + kTile * kTile, kMinusInfinity);
    weigh(rows, scale, work);
    pairGemm(kTile, kTile, {work.weightRows, kTile}, {query + 3 * tile, w}, {sums.dValues, w, true});
    pairGemm(kTile, kTile, {work.slopeRows, kTile}, {query + 2 * tile, w}, {sums.dKeys, w, true});
    pairGemm(w, kTile, {key + 2 * tile, kTile}, {work.slopePairs, kTile}, {sums.dQueries, kTile, true});
  }

  static const float* queryGradRows(const float* dQueries, const HeadSize& head, float* rows) {
    for (int64_t i = 0; i < kTile; ++i) {
      for (int64_t d = 0; d < head.width; ++d) rows[i * head.width + d] = dQueries[d * kTile + i];
    }
    return rows;
  }

 private:
  // Weights and slopes as bf16, two keys and 32 queries at a time.
  static void weigh(const RowStatistics& rows, float scale, Work& work) {
    const __m512 factor = _mm512_set1_ps(scale * Bf16Tiles::kLog2E), outer = _mm512_set1_ps(scale);
    for (int64_t i = 0; i < kTile; i += kPairLanes) {
      const __m512 base = _mm512_mul_ps(_mm512_loadu_ps(rows.logSumExp + i), _mm512_set1_ps(Bf16Tiles::kLog2E));
      const __m512 delta = _mm512_loadu_ps(rows.delta + i);
      for (int64_t j = 0; j < kTile; j += 2) {
        __m256i slopes[2];
        for (int64_t k = 0; k < 2; ++k) {
          const int64_t at = (j + k) * kTile + i;
          const __m512 p = exp2Lanes(_mm512_fmsub_ps(_mm512_load_ps(work.scores + at), factor, base));
          const __m512 distance = _mm512_sub_ps(_mm512_load_ps(work.slopes + at), delta);
          slopes[k] = (__m256i)_mm512_cvtneps_pbh(_mm512_mul_ps(_mm512_mul_ps(p, outer), distance));
          _mm256_store_si256(reinterpret_cast<__m256i*>(work.weightRows + at), (__m256i)_mm512_cvtneps_pbh(p));
          _mm256_store_si256(reinterpret_cast<__m256i*>(work.slopeRows + at), slopes[k]);
        }
        const __m512i even = _mm512_cvtepu16_epi32(slopes[0]), odd = _mm512_cvtepu16_epi32(slopes[1]);
        _mm512_store_si512(work.slopePairs + j * kTile + 2 * i, _mm512_or_si512(even, _mm512_slli_epi32(odd, 16)));
      }
    }
  }
};

#endif  // __AVX512BF16__

}  // namespace uc

// Attention of one query tile over the key tiles of a head, with a running softmax; shared by packed and cached attention.
//
// The driver is attendTile(). How a tile is stored, multiplied and exponentiated is a policy: F32Tiles here, Bf16Tiles in
// attention_tiles_bf16.h. A policy packs keys, values and queries into tiles of 64 rows, each of 64 * width elements.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "../runtime/args.h"
#include "rows.h"
#include "tile_gemm.h"
#include "vector_math.h"

namespace uc {

// Edge of a tile; src/ops/attention-layout.ts classifies tiles of the same size.
constexpr int64_t kTile = 64;
constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

enum class TileClass : int32_t { Empty = 0, Partial = 1, Full = 2 };

inline int64_t tileCount(int64_t n) { return (n + kTile - 1) / kTile; }

// Hidden scores are -inf before they are scaled, so the factor on q k^T must not change their sign.
inline float positiveScale(Args& args) {
  const float scale = static_cast<float>(args.real());
  if (!(scale > 0.0f) || std::isinf(scale)) fail("a positive scale is needed, found " + std::to_string(scale));
  return scale;
}

// Where a row of a head lies: `size` values from element `at` of a tensor on.
struct RowPlace {
  const Tensor& tensor;
  int64_t at;
};

// Head dimension, and the same rounded up to whole vectors.
struct HeadSize {
  int64_t size, width;

  explicit HeadSize(int64_t n = 0) : size(n), width(paddedWidth(n)) {}
  int64_t tile() const { return kTile * width; }
};

// Copies `count` rows into a tile of 64 rows of `width`, zeros behind. placeOf(j) says where row j lies.
template <class Element, class F>
void packRows(int64_t count, const HeadSize& head, Element* tile, const F& placeOf) {
  for (int64_t j = 0; j < count; ++j) {
    const RowPlace place = placeOf(j);
    copyRow(place.tensor, place.at, head.size, tile + j * head.width);
    std::fill(tile + j * head.width + head.size, tile + (j + 1) * head.width, Element{0});
  }
  std::fill(tile + count * head.width, tile + head.tile(), Element{0});
}

// The transpose [width, 64] of a packed tile.
template <class Element>
void transposeTile(const Element* tile, int64_t width, Element* to) {
  for (int64_t d = 0; d < width; ++d) {
    for (int64_t j = 0; j < kTile; ++j) to[d * kTile + j] = tile[j * width + d];
  }
}

// One packed tile of keys and values.
template <class Element>
struct KeyTile {
  const Element *keys, *values;
};

// The packed keys and values of one key head, tile after tile.
template <class Element>
struct KeyPanels {
  const Element *keys, *values;
  int64_t count;  // of keys
  int64_t each;   // elements of a tile

  KeyTile<Element> tile(int64_t i) const { return {keys + i * each, values + i * each}; }
};

// f32 tiles for any processor: keys transposed [width][64], values and queries [64][width].
struct F32Tiles {
  using Element = float;

  struct Work {
    float scores[kTile * kTile];
    float maximum[kTile];
    float sum[kTile];
  };

  // Packed keys from packed rows; values and queries stay rows.
  static void makeKeys(const float* rows, const HeadSize& head, float* keys) { transposeTile(rows, head.width, keys); }
  static void makeValues(const float* rows, const HeadSize& head, float* values) {
    std::memcpy(values, rows, static_cast<size_t>(head.tile()) * sizeof(float));
  }

  static void clear(Work& work) {
    std::fill(work.maximum, work.maximum + kTile, kMinusInfinity);
    std::fill(work.sum, work.sum + kTile, 0.0f);
  }

  static void multiplyKeys(const float* queries, int64_t rows, const HeadSize& head, const float* keys, Work& work) {
    tileGemm(rows, head.size, kTile, {queries, head.width, 1}, {keys, kTile}, {work.scores, kTile, false});
  }

  // Turns scores into weights; what was summed before shrinks by exp(old - new maximum).
  static void weigh(Work& work, int64_t rows, const HeadSize& head, float scale, float* out) {
    for (int64_t i = 0; i < rows; ++i) {
      float* s = work.scores + i * kTile;
      float top = work.maximum[i];
#pragma omp simd reduction(max : top)
      for (int64_t j = 0; j < kTile; ++j) {
        s[j] *= scale;
        top = s[j] > top ? s[j] : top;
      }
      if (top == kMinusInfinity) {
        std::memset(s, 0, kTile * sizeof(float));
        continue;
      }
      float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
      for (int64_t j = 0; j < kTile; ++j) {
        s[j] = clampedExp(s[j] - top);
        sum += s[j];
      }
      const float shrink = work.maximum[i] == kMinusInfinity ? 0.0f : clampedExp(work.maximum[i] - top);
      if (shrink != 1.0f) {
        float* o = out + i * head.width;
        for (int64_t d = 0; d < head.width; ++d) o[d] *= shrink;
      }
      work.sum[i] = work.sum[i] * shrink + sum;
      work.maximum[i] = top;
    }
  }

  static void addValues(const Work& work, int64_t rows, const HeadSize& head, const float* values, float* out) {
    tileGemm(rows, kTile, head.width, {work.scores, kTile, 1}, {values, head.width}, {out, head.width, true});
  }

  static float rowSum(const Work& work, int64_t i) { return work.sum[i]; }
  static float rowMaximum(const Work& work, int64_t i) { return work.maximum[i]; }
};

// Packs keys and values [first, first + 64) of a head of `count` keys; keyAt(j) and valueAt(j) say where rows lie. `rows` is
// working memory for one tile.
template <class Tiles, class K, class V, class Element>
void packKeyTile(int64_t first, int64_t count, const HeadSize& head, const K& keyAt, const V& valueAt, Element* rows,
                 Element* keys, Element* values) {
  const int64_t some = std::min(kTile, count - first);
  packRows(some, head, rows, [&](int64_t j) { return keyAt(first + j); });
  Tiles::makeKeys(rows, head, keys);
  packRows(some, head, rows, [&](int64_t j) { return valueAt(first + j); });
  Tiles::makeValues(rows, head, values);
}

// Attention of `rows` packed queries over the `panels.count` keys of a head. panels.tile(i) gives a packed tile,
// visibility.classOf(i) says what it needs, visibility.hide(i, count, scores) puts -inf where a key is not seen. On return
// out [64, width] holds the result and logSumExp[i] the logarithm of the sum of row i; a row that sees no key gives zeros
// and -inf.
template <class Tiles, class Panels, class Visibility>
void attendTile(const typename Tiles::Element* queries, int64_t rows, const HeadSize& head, float scale, Panels& panels,
                const Visibility& visibility, typename Tiles::Work& work, float* out, float* logSumExp) {
  Tiles::clear(work);
  std::memset(out, 0, static_cast<size_t>(head.tile()) * sizeof(float));
  for (int64_t tile = 0; tile < tileCount(panels.count); ++tile) {
    const TileClass kind = visibility.classOf(tile);
    if (kind == TileClass::Empty) continue;
    const int64_t count = std::min(kTile, panels.count - tile * kTile);
    const KeyTile<typename Tiles::Element> packed = panels.tile(tile);
    Tiles::multiplyKeys(queries, rows, head, packed.keys, work);
    if (kind == TileClass::Partial) visibility.hide(tile, count, work.scores);
    for (int64_t i = 0; count < kTile && i < rows; ++i) {
      std::fill(work.scores + i * kTile + count, work.scores + (i + 1) * kTile, kMinusInfinity);
    }
    Tiles::weigh(work, rows, head, scale, out);
    Tiles::addValues(work, rows, head, packed.values, out);
  }
  for (int64_t i = 0; i < rows; ++i) {
    const float sum = Tiles::rowSum(work, i);
    const float inverse = sum == 0.0f ? 0.0f : 1.0f / sum;
    for (int64_t d = 0; d < head.width; ++d) out[i * head.width + d] *= inverse;
    logSumExp[i] = Tiles::rowMaximum(work, i) + std::log(sum);
  }
}

}  // namespace uc

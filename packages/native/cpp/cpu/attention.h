// What the forward and backward pass of packed attention share: operands and visibility.
#pragma once

#include "../runtime/args.h"
#include "attention_tiles.h"

namespace uc {

// The token metadata [4, T] and tile classes [tiles, tiles] of an AttentionLayout.
struct Layout {
  const int32_t *sample, *split, *order, *mode;
  const int32_t* classes;
  int64_t tokens, tiles;

  TileClass classOf(int64_t queryTile, int64_t keyTile) const {
    return static_cast<TileClass>(classes[queryTile * tiles + keyTile]);
  }

  bool sees(int64_t query, int64_t key) const {
    constexpr int32_t kCausal = 0, kNoise = 2;
    const bool together = (split[key] == split[query]) & (mode[key] != kCausal);
    const bool earlier = (order[key] <= order[query]) & (mode[key] != kNoise);
    return (sample[key] == sample[query]) & (together | earlier);
  }

  // Writes -inf into scores [rows, 64] where query `query + i` does not see key `key + j`.
  void hide(int64_t query, int64_t rows, int64_t key, int64_t count, float* scores) const {
    for (int64_t i = 0; i < rows; ++i) {
      float* s = scores + i * kTile;
      for (int64_t j = 0; j < count; ++j) s[j] = sees(query + i, key + j) ? s[j] : kMinusInfinity;
    }
  }

  // The same for transposed scores, [count, 64] with a row per key.
  void hideTransposed(int64_t query, int64_t rows, int64_t key, int64_t count, float* scores) const {
    for (int64_t j = 0; j < count; ++j) {
      float* s = scores + j * kTile;
      for (int64_t i = 0; i < rows; ++i) s[i] = sees(query + i, key + j) ? s[i] : kMinusInfinity;
    }
  }
};

struct AttentionOperands {
  Tensor q, k, v;
  int64_t tokens, heads, keyHeads;
  HeadSize head;

  int64_t keyHeadOf(int64_t queryHead) const { return queryHead / (heads / keyHeads); }
  // Where token `token` of a head lies in q (or y and their gradients), and in k or v.
  int64_t queryAt(int64_t token, int64_t queryHead) const { return (token * heads + queryHead) * head.size; }
  int64_t keyAt(int64_t token, int64_t keyHead) const { return (token * keyHeads + keyHead) * head.size; }
  bool bf16() const { return q.phys == Phys::BF16 && k.phys == Phys::BF16 && v.phys == Phys::BF16; }
};

inline AttentionOperands readAttention(Args& args) {
  AttentionOperands o;
  o.q = args.floatTensor();
  o.k = args.floatTensor();
  o.v = args.floatTensor();
  if (o.q.dims.rank() != 3 || o.k.dims.rank() != 3 || o.k.dims != o.v.dims || o.k.dims[0] != o.q.dims[0] ||
      o.k.dims[2] != o.q.dims[2] || o.k.dims[1] == 0 || o.q.dims[1] % o.k.dims[1] != 0) {
    fail("q [T, Hq, D] and k, v [T, Hkv, D] with Hq a multiple of Hkv are needed");
  }
  o.tokens = o.q.dims[0];
  o.heads = o.q.dims[1];
  o.keyHeads = o.k.dims[1];
  o.head = HeadSize(o.q.dims[2]);
  return o;
}

inline Layout readLayout(Args& args, int64_t tokens) {
  const Tensor metadata = args.intTensor();
  const Tensor classes = args.intTensor();
  Layout layout;
  layout.tokens = tokens;
  layout.tiles = tileCount(tokens);
  if (metadata.count != 4 * tokens || classes.count != layout.tiles * layout.tiles) {
    fail("the layout is not one of " + std::to_string(tokens) + " tokens");
  }
  layout.sample = metadata.i32();
  layout.split = layout.sample + tokens;
  layout.order = layout.split + tokens;
  layout.mode = layout.order + tokens;
  layout.classes = classes.i32();
  return layout;
}

}  // namespace uc

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

  // Writes `hidden` into scores [rows, 64] where query `query + i` does not see key `key + j`.
  void hide(int64_t query, int64_t rows, int64_t key, int64_t count, float hidden, float* scores) const {
    constexpr int32_t kCausal = 0, kNoise = 2;
    for (int64_t i = 0; i < rows; ++i) {
      const int32_t ownSample = sample[query + i], ownSplit = split[query + i], ownOrder = order[query + i];
      float* s = scores + i * kTile;
      for (int64_t j = 0; j < count; ++j) {
        const int64_t k = key + j;
        const bool together = (split[k] == ownSplit) & (mode[k] != kCausal);
        const bool earlier = (order[k] <= ownOrder) & (mode[k] != kNoise);
        const bool seen = (sample[k] == ownSample) & (together | earlier);
        s[j] = seen ? s[j] : hidden;
      }
    }
  }
};

struct AttentionOperands {
  Tensor q, k, v;
  int64_t tokens, heads, keyHeads, size, width;

  int64_t keyHeadOf(int64_t head) const { return head / (heads / keyHeads); }
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
  o.size = o.q.dims[2];
  o.width = paddedWidth(o.size);
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

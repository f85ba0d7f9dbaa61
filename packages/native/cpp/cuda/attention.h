// What the kernels of packed and cached attention share.
#pragma once

#include "../cpu/vector_math.h"
#include "../runtime/tensor.h"
#include "values.h"

namespace uc {

// Edge of a tile; src/ops/attention-layout.ts classifies tiles of the same size.
constexpr int64_t kTileEdge = 64;

enum class TileKind : int32_t { Empty = 0, Partial = 1, Full = 2 };

// The token metadata [4, T] and tile classes [tiles, tiles] of an AttentionLayout.
struct PackedVisibility {
  const int32_t *sample, *split, *order, *mode, *classes;
  int64_t tokens, tiles;

  // metadata, classes
  static PackedVisibility read(Args& args, int64_t tokens) {
    const Tensor metadata = args.intTensor();
    const Tensor classes = args.intTensor();
    const int64_t tiles = (tokens + kTileEdge - 1) / kTileEdge;
    if (metadata.count != 4 * tokens || classes.count != tiles * tiles) {
      fail("the layout is not one of " + std::to_string(tokens) + " tokens");
    }
    const int32_t* m = metadata.i32();
    return {m, m + tokens, m + 2 * tokens, m + 3 * tokens, classes.i32(), tokens, tiles};
  }
  UC_HD TileKind kindOf(int64_t queryTile, int64_t keyTile) const {
    return static_cast<TileKind>(classes[queryTile * tiles + keyTile]);
  }
  // same sample and (same full or noise split, or not later and not noise)
  UC_HD bool sees(int64_t query, int64_t key) const {
    constexpr int32_t kCausal = 0, kNoise = 2;
    const bool together = split[key] == split[query] && mode[key] != kCausal;
    const bool earlier = order[key] <= order[query] && mode[key] != kNoise;
    return sample[key] == sample[query] && (together || earlier);
  }
  // The same for a pair of a tile of a known kind; a token behind the last one sees nothing and is not seen.
  UC_HD bool seenIn(TileKind kind, int64_t query, int64_t key) const {
    return query < tokens && key < tokens && (kind == TileKind::Full || sees(query, key));
  }
};

struct PackedOperands {
  Tensor q, k, v;
  int64_t tokens, heads, keyHeads, size;

  // q [T, Hq, D], k and v [T, Hkv, D]
  static PackedOperands read(Args& args) {
    PackedOperands o;
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
    return o;
  }
  bool fitTensorCores() const {
    const bool narrow = q.phys == Phys::BF16 && k.phys == Phys::BF16 && v.phys == Phys::BF16;
    return narrow && (size == 64 || size == 128) && heads <= 65535;
  }
};

constexpr int kWarpsPerBlock = 4;

// One row of attention by one warp, tile after tile of 64 keys: lane l holds keys l and l + 32 of a tile. The running form of
// softmax: what was summed before shrinks by exp(old - new maximum). `out` (shared memory, D values) gathers the result.
struct WarpRow {
  float most = -INFINITY, sum = 0;

  // scores[2] are those of the lane's keys, -inf where a key is not seen; valueOf(key of the tile, d) gives values.
  template <class F>
  __device__ void add(float scores[2], int64_t count, int64_t size, float* out, const F& valueOf) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    const float tileMost = warpReduce(scores[0] > scores[1] ? scores[0] : scores[1], Larger{});
    const float top = tileMost > most ? tileMost : most;
    if (top == -INFINITY) return;
    const float weights[2] = {clampedExp(scores[0] - top), clampedExp(scores[1] - top)};
    const float shrink = most == -INFINITY ? 0.0f : clampedExp(most - top);
    sum = sum * shrink + warpReduce(weights[0] + weights[1], Plus{});
    most = top;
    for (int64_t d = lane; d < size; d += kWarp) out[d] *= shrink;
    for (int64_t j = 0; j < count; ++j) {
      const float weight = __shfl_sync(0xFFFFFFFFu, weights[j / kWarp], static_cast<int>(j % kWarp));
      for (int64_t d = lane; d < size; d += kWarp) out[d] += weight * valueOf(j, d);
    }
  }
};

// Dot product of a query row in shared memory with a row of keys.
__device__ inline float dotWith(const float* query, const Floats& keys, int64_t at, int64_t size) {
  float sum = 0;
  for (int64_t d = 0; d < size; ++d) sum += query[d] * keys[at + d];
  return sum;
}

}  // namespace uc

// Packed attention, backward, on tensor cores: bf16 operands, f32 sums, D of 64 or 128.
//
// 14 D flops per visible pair and head, compute bound. One kernel owns 64 query rows and sums dq over the key tiles; another owns
// 64 key rows and sums dk and dv over the query tiles of each head of the group, in order. Both recompute the weights. Nothing is
// added from two sides, so results never change from run to run.
#include "attention_mma.h"

namespace uc {

using namespace mma_tiles;

namespace {

struct Problem {
  const bf16 *q, *k, *v, *dy;
  const float *logSumExp, *delta;  // [Hq, T]
  Floats dq, dk, dv;
  PackedVisibility visibility;
  int64_t tokens, heads, keyHeads;
  float scale;

  __device__ HeadRows queries(const bf16* from, int64_t head) const { return {from, heads, head, tokens}; }
  __device__ HeadRows keys(const bf16* from, int64_t keyHead) const { return {from, keyHeads, keyHead, tokens}; }
};

// Scores and the products dy . v become weights and the gradients of the scores, for queries in rows and keys in columns.
__device__ inline void toGradients(const Problem& p, int64_t head, TileKind kind, int64_t firstQuery, int64_t firstKey,
                                   Scores& scores, Scores& products) {
  float lse[2], delta[2];
  for (int half = 0; half < 2; ++half) {
    const int64_t query = firstQuery + rowOf(2 * half);
    lse[half] = query < p.tokens ? p.logSumExp[head * p.tokens + query] : 0.0f;
    delta[half] = query < p.tokens ? p.delta[head * p.tokens + query] : 0.0f;
  }
  for (int n = 0; n < kEdge / 8; ++n) {
    for (int i = 0; i < 4; ++i) {
      const bool seen = p.visibility.seenIn(kind, firstQuery + rowOf(i), firstKey + columnOf(n, i));
      const float weight = seen ? clampedExp(scores[n][i] * p.scale - lse[i / 2]) : 0.0f;
      scores[n][i] = weight;
      products[n][i] = weight * (products[n][i] - delta[i / 2]) * p.scale;
    }
  }
}

template <int D>
__global__ void __launch_bounds__(kThreads) queryGradients(Problem p) {
  __shared__ __align__(16) Tile<D> keys;
  __shared__ __align__(16) Tile<D> values;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int64_t queryTile = blockIdx.x, head = blockIdx.y, keyHead = head / (p.heads / p.keyHeads);
  const int64_t firstQuery = queryTile * kEdge + warp * kRows;
  Fragments<D> query, upstream;
  loadFragments<D>(p.queries(p.q, head), firstQuery, query);
  loadFragments<D>(p.queries(p.dy, head), firstQuery, upstream);
  Sums<D> sums = {};
  for (int64_t tile = 0; tile < p.visibility.tiles; ++tile) {
    const TileKind kind = p.visibility.kindOf(queryTile, tile);
    if (kind == TileKind::Empty) continue;
    __syncthreads();
    loadTile<D>(p.keys(p.k, keyHead), tile * kEdge, keys);
    loadTile<D>(p.keys(p.v, keyHead), tile * kEdge, values);
    __syncthreads();
    Scores scores = {}, products = {};
    for (int s = 0; s < D / 16; ++s) {
      addRowProducts<D>(query[s], keys, s, scores);
      addRowProducts<D>(upstream[s], values, s, products);
    }
    toGradients(p, head, kind, firstQuery, tile * kEdge, scores, products);
    addWeighted<D>(products, keys, sums);
  }
  storeRows<D>(p.dq, p.heads, head, firstQuery, p.tokens, sums);
}

// Shared memory of keyGradients: the block's keys and values, and a tile of queries with what belongs to them.
template <int D>
struct KeyWork {
  Tile<D> keys, values, queries, upstream;
  float logSumExp[kEdge], delta[kEdge];
};

// As above with keys in rows and queries in columns.
template <int D>
__device__ void toGradientsOfKeys(const Problem& p, const KeyWork<D>& work, TileKind kind, int64_t firstQuery, int64_t firstKey,
                                  Scores& scores, Scores& products) {
  for (int n = 0; n < kEdge / 8; ++n) {
    for (int i = 0; i < 4; ++i) {
      const int column = columnOf(n, i);
      const bool seen = p.visibility.seenIn(kind, firstQuery + column, firstKey + rowOf(i));
      const float weight = seen ? clampedExp(scores[n][i] * p.scale - work.logSumExp[column]) : 0.0f;
      scores[n][i] = weight;
      products[n][i] = weight * (products[n][i] - work.delta[column]) * p.scale;
    }
  }
}

template <int D>
__global__ void __launch_bounds__(kThreads) keyGradients(Problem p) {
  UC_DYNAMIC_SHARED(KeyWork<D>, work);
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int64_t keyTile = blockIdx.x, keyHead = blockIdx.y, group = p.heads / p.keyHeads;
  const int64_t firstKey = keyTile * kEdge + warp * kRows;
  loadTile<D>(p.keys(p.k, keyHead), keyTile * kEdge, work->keys);
  loadTile<D>(p.keys(p.v, keyHead), keyTile * kEdge, work->values);
  Sums<D> dKeys = {}, dValues = {};
  for (int64_t item = 0; item < group * p.visibility.tiles; ++item) {
    const int64_t head = keyHead * group + item / p.visibility.tiles, tile = item % p.visibility.tiles;
    const TileKind kind = p.visibility.kindOf(tile, keyTile);
    if (kind == TileKind::Empty) continue;
    const int64_t firstQuery = tile * kEdge;
    __syncthreads();
    loadTile<D>(p.queries(p.q, head), firstQuery, work->queries);
    loadTile<D>(p.queries(p.dy, head), firstQuery, work->upstream);
    for (int i = static_cast<int>(threadIdx.x); i < kEdge; i += kThreads) {
      const bool inside = firstQuery + i < p.tokens;
      work->logSumExp[i] = inside ? p.logSumExp[head * p.tokens + firstQuery + i] : 0.0f;
      work->delta[i] = inside ? p.delta[head * p.tokens + firstQuery + i] : 0.0f;
    }
    __syncthreads();
    Scores scores = {}, products = {};
    for (int s = 0; s < D / 16; ++s) {
      uint32_t key[4], value[4];
      fragmentOf<D>(work->keys, warp * kRows, s, key);
      fragmentOf<D>(work->values, warp * kRows, s, value);
      addRowProducts<D>(key, work->queries, s, scores);
      addRowProducts<D>(value, work->upstream, s, products);
    }
    toGradientsOfKeys<D>(p, *work, kind, firstQuery, firstKey, scores, products);
    addWeighted<D>(scores, work->upstream, dValues);
    addWeighted<D>(products, work->queries, dKeys);
  }
  storeRows<D>(p.dk, p.keyHeads, keyHead, firstKey, p.tokens, dKeys);
  storeRows<D>(p.dv, p.keyHeads, keyHead, firstKey, p.tokens, dValues);
}

template <int D>
void launchBoth(Context& context, const Problem& p) {
  const unsigned tiles = static_cast<unsigned>(p.visibility.tiles);
  CudaDevice& device = cudaDevice(context);
  launch(device, queryGradients<D>, dim3(tiles, static_cast<unsigned>(p.heads)), dim3(kThreads), 0, p);
  launch(device, keyGradients<D>, dim3(tiles, static_cast<unsigned>(p.keyHeads)), dim3(kThreads), sizeof(KeyWork<D>), p);
}

}  // namespace

bool mmaAttentionGrad(Context& context, const PackedOperands& o, const PackedVisibility& visibility, float scale,
                      const Tensor& dy, const float* logSumExp, const float* delta, const AttentionGradients& out) {
  if (!o.fitTensorCores()) return false;
  const DeviceConverted upstream(context, dy, Phys::BF16);
  const Problem p{o.q.b16(),      o.k.b16(),      o.v.b16(),  upstream.tensor().b16(), logSumExp, delta,   Floats(out.dq),
                  Floats(out.dk), Floats(out.dv), visibility, o.tokens,                o.heads,   o.keyHeads, scale};
  if (o.size == 64) {
    launchBoth<64>(context, p);
  } else {
    launchBoth<128>(context, p);
  }
  return true;
}

}  // namespace uc

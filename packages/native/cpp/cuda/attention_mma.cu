// Packed attention, forward, on tensor cores: bf16 operands, f32 sums, D of 64 or 128.
//
// A block computes 64 queries of one head, a warp 16 of them, against tiles of 64 keys and values in shared memory
// (2 x 64 x (D + 8) bf16). Scores stay in registers. 4 D flops per visible pair, compute bound; tiles that nobody sees are
// skipped, tiles that everybody sees are not tested.
#include "attention_mma.h"

namespace uc {

using namespace mma_tiles;

namespace {

struct Problem {
  const bf16 *q, *k, *v;
  Floats y;
  float* logSumExp;  // [Hq, T]
  PackedVisibility visibility;
  int64_t tokens, heads, keyHeads;
  float scale;
};

// The running softmax of two rows (g and g + 8) of a warp's 16; the four lanes of a row share its numbers.
struct RowState {
  float most[2] = {-INFINITY, -INFINITY}, sum[2] = {0, 0};
};

__device__ inline float quadMax(float v) {
  v = Larger{}(__shfl_xor_sync(0xFFFFFFFFu, v, 1), v);
  return Larger{}(__shfl_xor_sync(0xFFFFFFFFu, v, 2), v);
}
__device__ inline float quadSum(float v) {
  v += __shfl_xor_sync(0xFFFFFFFFu, v, 1);
  return v + __shfl_xor_sync(0xFFFFFFFFu, v, 2);
}

// Scores become weights; returns how much earlier results shrink.
__device__ inline void softmaxTile(Scores& scores, RowState& state, float (&shrink)[2]) {
  for (int half = 0; half < 2; ++half) {
    float top = state.most[half];
    for (int n = 0; n < kEdge / 8; ++n) {
      top = Larger{}(scores[n][2 * half], top);
      top = Larger{}(scores[n][2 * half + 1], top);
    }
    top = quadMax(top);
    const bool nothing = top == -INFINITY;
    shrink[half] = state.most[half] == -INFINITY ? 0.0f : clampedExp(state.most[half] - top);
    float sum = 0;
    for (int n = 0; n < kEdge / 8; ++n) {
      for (int i = 2 * half; i < 2 * half + 2; ++i) {
        scores[n][i] = nothing ? 0.0f : clampedExp(scores[n][i] - top);
        sum += scores[n][i];
      }
    }
    state.sum[half] = state.sum[half] * shrink[half] + quadSum(sum);
    state.most[half] = top;
  }
}

template <int D>
__global__ void __launch_bounds__(kThreads) attentionTiles(Problem p) {
  __shared__ __align__(16) Tile<D> keys;
  __shared__ __align__(16) Tile<D> values;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int64_t queryTile = blockIdx.x, head = blockIdx.y, keyHead = head / (p.heads / p.keyHeads);
  const int64_t firstQuery = queryTile * kEdge + warp * kRows;
  Fragments<D> query;
  loadFragments<D>({p.q, p.heads, head, p.tokens}, firstQuery, query);
  Sums<D> out = {};
  RowState state;
  for (int64_t tile = 0; tile < p.visibility.tiles; ++tile) {
    const TileKind kind = p.visibility.kindOf(queryTile, tile);
    if (kind == TileKind::Empty) continue;
    const int64_t first = tile * kEdge;
    __syncthreads();
    loadTile<D>({p.k, p.keyHeads, keyHead, p.tokens}, first, keys);
    loadTile<D>({p.v, p.keyHeads, keyHead, p.tokens}, first, values);
    __syncthreads();
    Scores scores = {};
    for (int s = 0; s < D / 16; ++s) addRowProducts<D>(query[s], keys, s, scores);
    for (int n = 0; n < kEdge / 8; ++n) {
      for (int i = 0; i < 4; ++i) {
        const bool seen = p.visibility.seenIn(kind, firstQuery + rowOf(i), first + columnOf(n, i));
        scores[n][i] = seen ? scores[n][i] * p.scale : -INFINITY;
      }
    }
    float shrink[2];
    softmaxTile(scores, state, shrink);
    for (int n = 0; n < D / 8; ++n) {
      for (int i = 0; i < 4; ++i) out[n][i] *= shrink[i / 2];
    }
    addWeighted<D>(scores, values, out);
  }
  float inverse[2];
  for (int half = 0; half < 2; ++half) {
    inverse[half] = state.sum[half] > 0 ? 1.0f / state.sum[half] : 0.0f;
    const int64_t token = firstQuery + rowOf(2 * half);
    if (threadIdx.x % 4 == 0 && token < p.tokens) {
      p.logSumExp[head * p.tokens + token] = state.most[half] + std::log(state.sum[half]);
    }
  }
  storeRows<D>(p.y, p.heads, head, firstQuery, p.tokens, out, inverse[0], inverse[1]);
}

}  // namespace

bool mmaAttention(Context& context, const PackedOperands& o, const PackedVisibility& visibility, float scale, const Tensor& y,
                  float* logSumExp) {
  if (!o.fitTensorCores()) return false;
  const Problem p{o.q.b16(), o.k.b16(), o.v.b16(), Floats(y),  logSumExp,
                  visibility, o.tokens, o.heads,   o.keyHeads, scale};
  const dim3 grid(static_cast<unsigned>(visibility.tiles), static_cast<unsigned>(o.heads));
  launch(cudaDevice(context), o.size == 64 ? attentionTiles<64> : attentionTiles<128>, grid, dim3(kThreads), 0, p);
  return true;
}

}  // namespace uc

// Packed attention in its plain version, forward: softmax(scale q k^T) v under an AttentionLayout, and the log-sum-exp of each row.
//
// q [T, Hq, D], k and v [T, Hkv, D]; 4 D flops per visible (query, key) pair and head. A warp computes one row; keys and values
// come through the caches, so it is bound by them and not by arithmetic. Any D, f32 or bf16. The reference of the fast version.
#include "attention.h"
#include "attention_mma.h"
#include "register.h"

namespace uc {

namespace {

struct Problem {
  Floats q, k, v, y;
  float* logSumExp;  // [Hq, T]
  PackedVisibility visibility;
  int64_t tokens, heads, keyHeads, size;
  float scale;
};

__global__ void attentionRows(Problem p) {
  UC_DYNAMIC_SHARED(float, memory);  // per warp: the query and the result, D each
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
  float* query = memory + warp * 2 * p.size;
  float* out = query + p.size;
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kWarpsPerBlock + warp;
  const int64_t head = row / p.tokens, token = row % p.tokens;
  if (head >= p.heads) return;
  const int64_t keyHead = head / (p.heads / p.keyHeads);
  for (int64_t d = lane; d < p.size; d += kWarp) {
    query[d] = p.q[(token * p.heads + head) * p.size + d] * p.scale;
    out[d] = 0;
  }
  __syncwarp();
  WarpRow state;
  for (int64_t tile = 0; tile < p.visibility.tiles; ++tile) {
    const TileKind kind = p.visibility.kindOf(token / kTileEdge, tile);
    if (kind == TileKind::Empty) continue;
    const int64_t first = tile * kTileEdge;
    const int64_t count = p.tokens - first < kTileEdge ? p.tokens - first : kTileEdge;
    float scores[2];
    for (int half = 0; half < 2; ++half) {
      const int64_t j = lane + half * kWarp;
      const bool seen = p.visibility.seenIn(kind, token, first + j);
      scores[half] = seen ? dotWith(query, p.k, ((first + j) * p.keyHeads + keyHead) * p.size, p.size) : -INFINITY;
    }
    state.add(scores, count, p.size, out,
              [&](int64_t j, int64_t d) { return p.v[((first + j) * p.keyHeads + keyHead) * p.size + d]; });
  }
  const float inverse = state.sum > 0 ? 1.0f / state.sum : 0.0f;
  for (int64_t d = lane; d < p.size; d += kWarp) p.y.put((token * p.heads + head) * p.size + d, out[d] * inverse);
  if (lane == 0) p.logSumExp[head * p.tokens + token] = state.most + std::log(state.sum);
}

// q, k, v, metadata, classes; bf16, scale -> y [T, Hq, D], logSumExp [Hq, T]
void packedAttention(Context& context, Args& args, Results& results) {
  const PackedOperands o = PackedOperands::read(args);
  const PackedVisibility visibility = PackedVisibility::read(args, o.tokens);
  const Phys phys = args.flag() ? Phys::BF16 : promote(o.q.phys, promote(o.k.phys, o.v.phys));
  const float scale = static_cast<float>(args.real());
  const Tensor y = results.make(o.q.dims, phys);
  float* logSumExp = results.make({o.heads, o.tokens}, Phys::F32).f32();
  if (o.q.count == 0) return;
  if (mmaAttention(context, o, visibility, scale, y, logSumExp)) return;
  const Problem p{Floats(o.q), Floats(o.k), Floats(o.v), Floats(y),  logSumExp, visibility,
                  o.tokens,    o.heads,     o.keyHeads,  o.size,     scale};
  const int64_t blocks = (o.heads * o.tokens + kWarpsPerBlock - 1) / kWarpsPerBlock;
  launch(cudaDevice(context), attentionRows, dim3(static_cast<unsigned>(blocks)), dim3(kWarpsPerBlock * kWarp),
         static_cast<size_t>(kWarpsPerBlock * 2 * o.size) * sizeof(float), p);
}

}  // namespace

void registerCudaAttention(Registry& r) { r.addCuda("PackedAttention", packedAttention); }

}  // namespace uc

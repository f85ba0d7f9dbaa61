// Packed attention in its plain version, backward: dq, dk, dv from dy, recomputing the weights from q, k and the stored log-sum-exp.
//
// 14 D flops per visible pair and head (scores and their gradients are computed once for dq and once for dk and dv). A warp owns a
// query row of dq, then a key row of dk and dv, whose query heads are added in order: nothing is added from two sides, so results
// never change from run to run. Any D, f32 or bf16. The reference of the fast version.
#include "attention.h"
#include "attention_mma.h"
#include "register.h"

namespace uc {

namespace {

struct Problem {
  Floats q, k, v, y, dy, dq, dk, dv;
  const float *logSumExp, *delta;  // [Hq, T]; delta = dy . y
  PackedVisibility visibility;
  int64_t tokens, heads, keyHeads, size;
  float scale;

  UC_HD int64_t group() const { return heads / keyHeads; }
  UC_HD int64_t queryAt(int64_t token, int64_t head) const { return (token * heads + head) * size; }
  UC_HD int64_t keyAt(int64_t token, int64_t keyHead) const { return (token * keyHeads + keyHead) * size; }
};

// The weight of a pair and the gradient of its score, by one thread. query, upstream: rows of q and dy.
struct PairTerms {
  float weight, slope;
};

__device__ inline PairTerms pairTerms(const Problem& p, int64_t query, int64_t key, int64_t head) {
  const int64_t atQ = p.queryAt(query, head), atK = p.keyAt(key, head / p.group());
  float score = 0, product = 0;
  for (int64_t d = 0; d < p.size; ++d) {
    score += p.q[atQ + d] * p.k[atK + d];
    product += p.dy[atQ + d] * p.v[atK + d];
  }
  const float weight = clampedExp(score * p.scale - p.logSumExp[head * p.tokens + query]);
  return {weight, weight * (product - p.delta[head * p.tokens + query]) * p.scale};
}

// dq of one row: lanes take keys, then share their slopes.
__global__ void queryGradients(Problem p) {
  UC_DYNAMIC_SHARED(float, memory);
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
  float* sum = memory + warp * p.size;
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kWarpsPerBlock + warp;
  const int64_t head = row / p.tokens, query = row % p.tokens;
  if (head >= p.heads) return;
  for (int64_t d = lane; d < p.size; d += kWarp) sum[d] = 0;
  for (int64_t tile = 0; tile < p.visibility.tiles; ++tile) {
    const TileKind kind = p.visibility.kindOf(query / kTileEdge, tile);
    if (kind == TileKind::Empty) continue;
    for (int64_t first = tile * kTileEdge; first < (tile + 1) * kTileEdge; first += kWarp) {
      const float slope = p.visibility.seenIn(kind, query, first + lane) ? pairTerms(p, query, first + lane, head).slope : 0.0f;
      for (int j = 0; j < kWarp && first + j < p.tokens; ++j) {
        const float other = __shfl_sync(0xFFFFFFFFu, slope, j);
        const int64_t at = p.keyAt(first + j, head / p.group());
        for (int64_t d = lane; d < p.size; d += kWarp) sum[d] += other * p.k[at + d];
      }
    }
  }
  for (int64_t d = lane; d < p.size; d += kWarp) p.dq.put(p.queryAt(query, head) + d, sum[d]);
}

// dk and dv of one key row: lanes take queries of each head of the group in turn.
__global__ void keyGradients(Problem p) {
  UC_DYNAMIC_SHARED(float, memory);
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
  float* dKey = memory + warp * 2 * p.size;
  float* dValue = dKey + p.size;
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kWarpsPerBlock + warp;
  const int64_t keyHead = row / p.tokens, key = row % p.tokens;
  if (keyHead >= p.keyHeads) return;
  for (int64_t d = lane; d < p.size; d += kWarp) dKey[d] = dValue[d] = 0;
  for (int64_t head = keyHead * p.group(); head < (keyHead + 1) * p.group(); ++head) {
    for (int64_t tile = 0; tile < p.visibility.tiles; ++tile) {
      const TileKind kind = p.visibility.kindOf(tile, key / kTileEdge);
      if (kind == TileKind::Empty) continue;
      for (int64_t first = tile * kTileEdge; first < (tile + 1) * kTileEdge; first += kWarp) {
        PairTerms own{0, 0};
        if (p.visibility.seenIn(kind, first + lane, key)) own = pairTerms(p, first + lane, key, head);
        for (int i = 0; i < kWarp && first + i < p.tokens; ++i) {
          const float weight = __shfl_sync(0xFFFFFFFFu, own.weight, i);
          const float slope = __shfl_sync(0xFFFFFFFFu, own.slope, i);
          const int64_t at = p.queryAt(first + i, head);
          for (int64_t d = lane; d < p.size; d += kWarp) {
            dKey[d] += slope * p.q[at + d];
            dValue[d] += weight * p.dy[at + d];
          }
        }
      }
    }
  }
  for (int64_t d = lane; d < p.size; d += kWarp) {
    p.dk.put(p.keyAt(key, keyHead) + d, dKey[d]);
    p.dv.put(p.keyAt(key, keyHead) + d, dValue[d]);
  }
}

void launchRows(Context& context, void (*kernel)(Problem), int64_t rows, int64_t floatsPerWarp, const Problem& p) {
  const int64_t blocks = (rows + kWarpsPerBlock - 1) / kWarpsPerBlock;
  launch(cudaDevice(context), kernel, dim3(static_cast<unsigned>(blocks)), dim3(kWarpsPerBlock * kWarp),
         static_cast<size_t>(kWarpsPerBlock * floatsPerWarp) * sizeof(float), p);
}

// delta[head, token] = dy . y
void rowProducts(Context& context, const PackedOperands& o, const Floats& y, const Floats& dy, float* delta) {
  const int64_t tokens = o.tokens, heads = o.heads, size = o.size;
  forEach(context, heads * tokens, [=] __device__(int64_t i) {
    const int64_t at = (i % tokens * heads + i / tokens) * size;
    float sum = 0;
    for (int64_t d = 0; d < size; ++d) sum += y[at + d] * dy[at + d];
    delta[i] = sum;
  });
}

// q, k, v, metadata, classes, y, logSumExp, dy; scale -> dq, dk, dv of the types of q, k, v
void packedAttentionGrad(Context& context, Args& args, Results& results) {
  const PackedOperands o = PackedOperands::read(args);
  const PackedVisibility visibility = PackedVisibility::read(args, o.tokens);
  const Tensor y = args.floatTensor();
  const Tensor logSumExp = args.floatTensor();
  const Tensor dy = args.floatTensor();
  const float scale = static_cast<float>(args.real());
  if (y.dims != o.q.dims || dy.dims != o.q.dims || logSumExp.count != o.heads * o.tokens || logSumExp.phys != Phys::F32) {
    fail("y and dy of the shape of q and logSumExp [Hq, T] are needed");
  }
  const Tensor dq = results.make(o.q.dims, o.q.phys);
  const Tensor dk = results.make(o.k.dims, o.k.phys);
  const Tensor dv = results.make(o.v.dims, o.v.phys);
  if (o.q.count == 0) return zeroBytes(context, dk), zeroBytes(context, dv);
  const DeviceScratch<float> delta(context, o.heads * o.tokens);
  rowProducts(context, o, Floats(y), Floats(dy), delta.data());
  if (mmaAttentionGrad(context, o, visibility, scale, dy, logSumExp.f32(), delta.data(), {dq, dk, dv})) return;
  const Problem p{Floats(o.q), Floats(o.k),     Floats(o.v),  Floats(y),  Floats(dy), Floats(dq),
                  Floats(dk),  Floats(dv),      logSumExp.f32(), delta.data(), visibility, o.tokens,
                  o.heads,     o.keyHeads,      o.size,       scale};
  launchRows(context, queryGradients, o.heads * o.tokens, o.size, p);
  launchRows(context, keyGradients, o.keyHeads * o.tokens, 2 * o.size, p);
}

}  // namespace

void registerCudaAttentionGrad(Registry& r) { r.addCuda("PackedAttentionGrad", packedAttentionGrad); }

}  // namespace uc

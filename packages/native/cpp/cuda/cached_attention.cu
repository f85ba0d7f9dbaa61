// Attention over a paged key/value cache plus the current chunk, and writing chunks into pages.
//
// q [n, Hq, D], k and v [n, Hkv, D], pools [pages, page, Hkv, D], L = past + n keys. Decoding a token reads every key and value
// once: memory bound. The keys of a row are shared by the warps of a block in parts, which are joined in order.
#include "attention.h"
#include "register.h"

namespace uc {

namespace {

struct Problem {
  Floats q, k, v, keys, values, y;
  const int64_t* pages;
  int64_t past, chunk, heads, keyHeads, size, page;
  bool causal;
  float scale;

  // Queries see the first keys only.
  UC_HD int64_t seenBy(int64_t i) const { return causal ? past + i + 1 : past + chunk; }
  // Position of key j of a head in the pool (`pooled`) or in the chunk.
  UC_HD int64_t rowOf(int64_t j, int64_t head, bool& pooled) const {
    pooled = j < past;
    const int64_t row = pooled ? pages[j / page] * page + j % page : j - past;
    return (row * keyHeads + head) * size;
  }
};

// A block per (query, head): each warp takes every fourth tile of keys.
__global__ void cachedRows(Problem p) {
  UC_DYNAMIC_SHARED(float, memory);  // the query, then a result per warp
  __shared__ float most[kWarpsPerBlock], sum[kWarpsPerBlock];
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
  const int64_t query = blockIdx.x / p.heads, head = blockIdx.x % p.heads, keyHead = head / (p.heads / p.keyHeads);
  float* own = memory + (1 + warp) * p.size;
  for (int64_t d = threadIdx.x; d < p.size; d += kWarpsPerBlock * kWarp) {
    memory[d] = p.q[(query * p.heads + head) * p.size + d] * p.scale;
  }
  for (int64_t d = lane; d < p.size; d += kWarp) own[d] = 0;
  __syncthreads();
  const int64_t seen = p.seenBy(query);
  WarpRow state;
  for (int64_t first = warp * kTileEdge; first < seen; first += kWarpsPerBlock * kTileEdge) {
    const int64_t count = seen - first < kTileEdge ? seen - first : kTileEdge;
    float scores[2];
    for (int half = 0; half < 2; ++half) {
      const int64_t j = lane + half * kWarp;
      scores[half] = -INFINITY;
      if (j >= count) continue;
      bool pooled;
      const int64_t at = p.rowOf(first + j, keyHead, pooled);
      scores[half] = dotWith(memory, pooled ? p.keys : p.k, at, p.size);
    }
    state.add(scores, count, p.size, own, [&](int64_t j, int64_t d) {
      bool pooled;
      const int64_t at = p.rowOf(first + j, keyHead, pooled);
      return pooled ? p.values[at + d] : p.v[at + d];
    });
  }
  if (lane == 0) {
    most[warp] = state.most;
    sum[warp] = state.sum;
  }
  __syncthreads();
  float top = most[0];
  for (int w = 1; w < kWarpsPerBlock; ++w) top = most[w] > top ? most[w] : top;
  float total = 0;
  for (int w = 0; w < kWarpsPerBlock; ++w) total += most[w] == -INFINITY ? 0.0f : sum[w] * clampedExp(most[w] - top);
  for (int64_t d = threadIdx.x; d < p.size; d += kWarpsPerBlock * kWarp) {
    float value = 0;
    for (int w = 0; w < kWarpsPerBlock; ++w) {
      if (most[w] != -INFINITY) value += memory[(1 + w) * p.size + d] * clampedExp(most[w] - top);
    }
    p.y.put((query * p.heads + head) * p.size + d, value / total);
  }
}

void checkPages(const std::vector<int64_t>& pages, int64_t limit) {
  for (int64_t page : pages) {
    if (page < 0 || page >= limit) fail("page " + std::to_string(page) + " does not exist");
  }
}

// q, k, v, keys, values, page table, past, causal, bf16, scale -> y [n, Hq, D]
void cachedAttention(Context& context, Args& args, Results& results) {
  const Tensor q = args.floatTensor();
  const Tensor k = args.floatTensor();
  const Tensor v = args.floatTensor();
  const Tensor keys = args.floatTensor();
  const Tensor values = args.floatTensor();
  const std::vector<int64_t> pages = args.integers();
  const int64_t past = args.integer();
  const bool causal = args.flag();
  const float scale = static_cast<float>(args.real());
  if (q.dims.rank() != 3 || k.dims.rank() != 3 || k.dims != v.dims || k.dims[0] != q.dims[0] || k.dims[2] != q.dims[2] ||
      keys.dims.rank() != 4 || keys.dims != values.dims || keys.dims[2] != k.dims[1] || keys.dims[3] != k.dims[2] ||
      k.dims[1] == 0 || q.dims[1] % k.dims[1] != 0) {
    fail("q [n, Hq, D], k and v [n, Hkv, D], pools [pages, page, Hkv, D] are needed");
  }
  const int64_t page = keys.dims[1];
  if (past < 0 || static_cast<int64_t>(pages.size()) * page < past) fail("the page table does not cover the past");
  checkPages(pages, keys.dims[0]);
  const Tensor y = results.make(q.dims, args.flag() ? Phys::BF16 : promote(q.phys, v.phys));
  if (q.count == 0) return;
  const DeviceTable<int64_t> table(context, pages.data(), static_cast<int64_t>(pages.size()));
  const Problem p{Floats(q),    Floats(k), Floats(v), Floats(keys), Floats(values), Floats(y),     table.data(),
                  past,         q.dims[0], q.dims[1], k.dims[1],    q.dims[2],      page,          causal,
                  scale};
  launch(cudaDevice(context), cachedRows, dim3(static_cast<unsigned>(p.chunk * p.heads)), dim3(kWarpsPerBlock * kWarp),
         static_cast<size_t>((1 + kWarpsPerBlock) * p.size) * sizeof(float), p);
}

// pool, chunk, page table, position: rows position... of the cache become the chunk
void kvWrite(Context& context, Args& args, Results&) {
  const Tensor pool = args.floatTensor();
  const Tensor chunk = args.floatTensor();
  const std::vector<int64_t> pages = args.integers();
  const int64_t position = args.integer();
  if (pool.dims.rank() != 4 || chunk.dims.rank() != 3 || pool.dims[2] != chunk.dims[1] || pool.dims[3] != chunk.dims[2]) {
    fail("pool [pages, page, Hkv, D] and chunk [n, Hkv, D] are needed");
  }
  const int64_t page = pool.dims[1], row = chunk.dims[1] * chunk.dims[2];
  if (position < 0 || static_cast<int64_t>(pages.size()) * page < position + chunk.dims[0]) {
    fail("the page table does not cover the chunk");
  }
  checkPages(pages, pool.dims[0]);
  const DeviceTable<int64_t> memory(context, pages.data(), static_cast<int64_t>(pages.size()));
  const int64_t* table = memory.data();
  const Floats to(pool), from(chunk);
  forEach(context, chunk.count, [=] __device__(int64_t i) {
    const int64_t at = position + i / row;
    to.put((table[at / page] * page + at % page) * row + i % row, from[i]);
  });
}

}  // namespace

void registerCudaCachedAttention(Registry& r) {
  r.addCuda("CachedAttention", cachedAttention);
  r.addCuda("KvWrite", kvWrite);
}

}  // namespace uc

// Attention over a paged key/value cache plus the current chunk, and writing chunks into pages.
//
// q [n, Hq, D], k and v [n, Hkv, D], pools [pages, page, Hkv, D], L = past + n keys. Decoding a token reads every key and value
// once: memory bound. The keys of a row are shared by the warps of a block in parts, which are joined in order.
#include "attention.h"
#include "register.h"

namespace uc {

namespace {

// What a query sees before itself: pages, tokens in them, and the rows of q, k and v that are its chunk.
struct Past {
  const int64_t* pages;
  int64_t length, first, chunk;
};

// One past that all queries share or, where `lengths` is not null, one for every query, with its table at `tables` in `pages`.
struct Pasts {
  const int64_t* pages = nullptr;
  const int64_t *lengths = nullptr, *tables = nullptr;
  int64_t length = 0;
  bool causal = true;
};

struct Problem {
  Floats q, k, v, keys, values, y;
  Pasts pasts;
  int64_t chunk, heads, keyHeads, size, page;
  float scale;

  UC_HD Past pastOf(int64_t query) const {
    if (pasts.lengths == nullptr) return {pasts.pages, pasts.length, 0, chunk};
    return {pasts.pages + pasts.tables[query], pasts.lengths[query], query, 1};
  }
  // Queries see the first keys only.
  UC_HD int64_t seenBy(int64_t query, const Past& own) const {
    return own.length + (pasts.causal ? query - own.first + 1 : own.chunk);
  }
  // Position of key j of a head in the pool (`pooled`) or in the chunk.
  UC_HD int64_t rowOf(const Past& own, int64_t j, int64_t head, bool& pooled) const {
    pooled = j < own.length;
    const int64_t row = pooled ? own.pages[j / page] * page + j % page : own.first + j - own.length;
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
  const Past past = p.pastOf(query);
  const int64_t seen = p.seenBy(query, past);
  WarpRow state;
  for (int64_t first = warp * kTileEdge; first < seen; first += kWarpsPerBlock * kTileEdge) {
    const int64_t count = seen - first < kTileEdge ? seen - first : kTileEdge;
    float scores[2];
    for (int half = 0; half < 2; ++half) {
      const int64_t j = lane + half * kWarp;
      scores[half] = -INFINITY;
      if (j >= count) continue;
      bool pooled;
      const int64_t at = p.rowOf(past, first + j, keyHead, pooled);
      scores[half] = dotWith(memory, pooled ? p.keys : p.k, at, p.size);
    }
    state.add(scores, count, p.size, own, [&](int64_t j, int64_t d) {
      bool pooled;
      const int64_t at = p.rowOf(past, first + j, keyHead, pooled);
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

struct Operands {
  Tensor q, k, v, keys, values;

  explicit Operands(Args& args)
      : q(args.floatTensor()), k(args.floatTensor()), v(args.floatTensor()), keys(args.floatTensor()),
        values(args.floatTensor()) {
    if (q.dims.rank() != 3 || k.dims.rank() != 3 || k.dims != v.dims || k.dims[0] != q.dims[0] || k.dims[2] != q.dims[2] ||
        keys.dims.rank() != 4 || keys.dims != values.dims || keys.dims[2] != k.dims[1] || keys.dims[3] != k.dims[2] ||
        k.dims[1] == 0 || q.dims[1] % k.dims[1] != 0) {
      fail("q [n, Hq, D], k and v [n, Hkv, D], pools [pages, page, Hkv, D] are needed");
    }
  }
  int64_t page() const { return keys.dims[1]; }
};

void attend(Context& context, const Operands& o, const Tensor& y, const Pasts& pasts, float scale) {
  const Problem p{Floats(o.q), Floats(o.k), Floats(o.v),  Floats(o.keys), Floats(o.values), Floats(y),
                  pasts,       o.q.dims[0], o.q.dims[1],  o.k.dims[1],    o.q.dims[2],      o.page(),
                  scale};
  launch(cudaDevice(context), cachedRows, dim3(static_cast<unsigned>(p.chunk * p.heads)), dim3(kWarpsPerBlock * kWarp),
         static_cast<size_t>((1 + kWarpsPerBlock) * p.size) * sizeof(float), p);
}

// q, k, v, keys, values, page table, past, causal, bf16, scale -> y [n, Hq, D]
void cachedAttention(Context& context, Args& args, Results& results) {
  const Operands o(args);
  const std::vector<int64_t> pages = args.integers();
  Pasts pasts;
  pasts.length = args.integer();
  pasts.causal = args.flag();
  const float scale = static_cast<float>(args.real());
  if (pasts.length < 0 || static_cast<int64_t>(pages.size()) * o.page() < pasts.length) {
    fail("the page table does not cover the past");
  }
  checkPages(pages, o.keys.dims[0]);
  const Tensor y = results.make(o.q.dims, args.flag() ? Phys::BF16 : promote(o.q.phys, o.v.phys));
  if (o.q.count == 0) return;
  const DeviceTable<int64_t> table(context, pages.data(), static_cast<int64_t>(pages.size()));
  pasts.pages = table.data();
  attend(context, o, y, pasts, scale);
}

// q, k, v, keys, values, page tables, pasts, scale, bf16 -> y [n, Hq, D]
void cachedAttentionRows(Context& context, Args& args, Results& results) {
  const Operands o(args);
  const std::vector<int64_t> pages = args.integers(), lengths = args.integers();
  const float scale = static_cast<float>(args.real());
  if (static_cast<int64_t>(lengths.size()) != o.q.dims[0]) fail("a past for every row of q is needed");
  std::vector<int64_t> tables;
  int64_t used = 0;
  for (int64_t length : lengths) {
    tables.push_back(used);
    used += length < 0 ? 0 : (length + o.page() - 1) / o.page();
    if (length < 0 || static_cast<int64_t>(pages.size()) < used) fail("the page table does not cover the past");
  }
  checkPages(pages, o.keys.dims[0]);
  const Tensor y = results.make(o.q.dims, args.flag() ? Phys::BF16 : promote(o.q.phys, o.v.phys));
  if (o.q.count == 0) return;
  const auto rows = static_cast<int64_t>(lengths.size());
  const DeviceTable<int64_t> pageTable(context, pages.data(), static_cast<int64_t>(pages.size()));
  const DeviceTable<int64_t> lengthTable(context, lengths.data(), rows), startTable(context, tables.data(), rows);
  Pasts pasts;
  pasts.pages = pageTable.data();
  pasts.lengths = lengthTable.data();
  pasts.tables = startTable.data();
  attend(context, o, y, pasts, scale);
}

// pool, chunk, slots: row i of the chunk goes to position slots[i] % page of page slots[i] / page
void kvWriteRows(Context& context, Args& args, Results&) {
  const Tensor pool = args.floatTensor();
  const Tensor chunk = args.floatTensor();
  const std::vector<int64_t> slots = args.integers();
  if (pool.dims.rank() != 4 || chunk.dims.rank() != 3 || pool.dims[2] != chunk.dims[1] || pool.dims[3] != chunk.dims[2] ||
      static_cast<int64_t>(slots.size()) != chunk.dims[0]) {
    fail("pool [pages, page, Hkv, D], chunk [n, Hkv, D] and n slots are needed");
  }
  const int64_t row = chunk.dims[1] * chunk.dims[2];
  for (int64_t slot : slots) {
    if (slot < 0 || slot >= pool.dims[0] * pool.dims[1]) fail("slot " + std::to_string(slot) + " does not exist");
  }
  const DeviceTable<int64_t> memory(context, slots.data(), static_cast<int64_t>(slots.size()));
  const int64_t* table = memory.data();
  const Floats to(pool), from(chunk);
  forEach(context, chunk.count, [=] __device__(int64_t i) { to.put(table[i / row] * row + i % row, from[i]); });
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
  r.addCuda("CachedAttentionRows", cachedAttentionRows);
  r.addCuda("KvWrite", kvWrite);
  r.addCuda("KvWriteRows", kvWriteRows);
}

}  // namespace uc

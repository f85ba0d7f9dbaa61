// Attention over a paged key/value cache plus the current chunk, and writing chunks into pages.
//
// q [n, Hq, D], k and v [n, Hkv, D], pools in chunks [pages, page, Hkv, D], L = past + n keys. Decoding a token reads every key and value
// once: memory bound. The keys of a row are shared by the warps of a block in parts, which are joined in order.
#include "../cpu/paged_pool.h"
#include "attention.h"
#include "register.h"

namespace uc {

namespace {

// Where the keys and the values of a page begin.
struct PageStart {
  void *keys, *values;
};

// What a query sees before itself: pages, tokens in them, and the rows of q, k and v that are its chunk.
struct Past {
  const PageStart* pages;
  int64_t length, first, chunk;
};

// One past that all queries share or, where `lengths` is not null, one for every query, with its table at `tables` in `pages`.
struct Pasts {
  const PageStart* pages = nullptr;
  const int64_t *lengths = nullptr, *tables = nullptr;
  int64_t length = 0;
  bool causal = true;
};

// Values of the type of a pool from `start` on.
UC_HD inline Floats valuesAt(Floats pool, void* start) {
  pool.data = start;
  return pool;
}

struct Problem {
  // Of the pools only the type counts.
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
  // Key or value j of a head: in its page, or in the chunk.
  UC_HD Floats keysOf(const Past& own, int64_t j) const {
    return j < own.length ? valuesAt(keys, own.pages[j / page].keys) : k;
  }
  UC_HD Floats valuesOf(const Past& own, int64_t j) const {
    return j < own.length ? valuesAt(values, own.pages[j / page].values) : v;
  }
  UC_HD int64_t rowOf(const Past& own, int64_t j, int64_t head) const {
    const int64_t row = j < own.length ? j % page : own.first + j - own.length;
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
      scores[half] = dotWith(memory, p.keysOf(past, first + j), p.rowOf(past, first + j, keyHead), p.size);
    }
    state.add(scores, count, p.size, own, [&](int64_t j, int64_t d) {
      return p.valuesOf(past, first + j)[p.rowOf(past, first + j, keyHead) + d];
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

// Address of a position of a pool.
void* addressOf(const PagedPool& pool, const PagePlace& place) {
  const Tensor& chunk = pool.chunks[place.chunk];
  const int64_t row = pool.keyHeads() * pool.size() * static_cast<int64_t>(bytesOf(chunk.phys));
  return static_cast<char*>(chunk.data) + place.position * row;
}

std::vector<PageStart> startsOf(const PagedOperands& o, const std::vector<int64_t>& pages) {
  std::vector<PageStart> starts;
  for (const PagePlace& place : o.keys.places(pages)) starts.push_back({addressOf(o.keys, place), addressOf(o.values, place)});
  return starts;
}

void attend(Context& context, const PagedOperands& o, const Tensor& y, const Pasts& pasts, float scale) {
  const Problem p{Floats(o.q), Floats(o.k), Floats(o.v), Floats(o.keys.chunks[0]), Floats(o.values.chunks[0]), Floats(y),
                  pasts,       o.q.dims[0], o.q.dims[1], o.k.dims[1],              o.q.dims[2],                o.keys.page(),
                  scale};
  launch(cudaDevice(context), cachedRows, dim3(static_cast<unsigned>(p.chunk * p.heads)), dim3(kWarpsPerBlock * kWarp),
         static_cast<size_t>((1 + kWarpsPerBlock) * p.size) * sizeof(float), p);
}

// q, k, v, keys, values, page table, past, causal, bf16, scale -> y [n, Hq, D]
void cachedAttention(Context& context, Args& args, Results& results) {
  const PagedOperands o(args);
  const std::vector<int64_t> pages = args.integers();
  Pasts pasts;
  pasts.length = args.integer();
  pasts.causal = args.flag();
  const bool bf16 = args.flag();
  const float scale = static_cast<float>(args.real());
  o.pagesOf(pasts.length, static_cast<int64_t>(pages.size()));
  const std::vector<PageStart> starts = startsOf(o, pages);
  const Tensor y = results.make(o.q.dims, bf16 ? Phys::BF16 : promote(o.q.phys, o.v.phys));
  if (o.q.count == 0) return;
  const DeviceTable<PageStart> table(context, starts.data(), static_cast<int64_t>(starts.size()));
  pasts.pages = table.data();
  attend(context, o, y, pasts, scale);
}

// q, k, v, keys, values, page tables, pasts, scale, bf16 -> y [n, Hq, D]
void cachedAttentionRows(Context& context, Args& args, Results& results) {
  const PagedOperands o(args);
  const std::vector<int64_t> pages = args.integers(), lengths = args.integers();
  const float scale = static_cast<float>(args.real());
  if (static_cast<int64_t>(lengths.size()) != o.q.dims[0]) fail("a past for every row of q is needed");
  std::vector<int64_t> tables;
  int64_t used = 0;
  for (int64_t length : lengths) {
    tables.push_back(used);
    used += o.pagesOf(length, static_cast<int64_t>(pages.size()) - used);
  }
  const std::vector<PageStart> starts = startsOf(o, pages);
  const Tensor y = results.make(o.q.dims, args.flag() ? Phys::BF16 : promote(o.q.phys, o.v.phys));
  if (o.q.count == 0) return;
  const auto rows = static_cast<int64_t>(lengths.size());
  const DeviceTable<PageStart> startTable(context, starts.data(), static_cast<int64_t>(starts.size()));
  const DeviceTable<int64_t> lengthTable(context, lengths.data(), rows), tableTable(context, tables.data(), rows);
  Pasts pasts;
  pasts.pages = startTable.data();
  pasts.lengths = lengthTable.data();
  pasts.tables = tableTable.data();
  attend(context, o, y, pasts, scale);
}

// pool, rows, slots: row i goes to position slots[i] % page of page slots[i] / page
void kvWrite(Context& context, Args& args, Results&) {
  const PagedPool pool = readPool(args);
  const Tensor rows = args.floatTensor();
  const std::vector<int64_t> slots = args.integers();
  checkWrite(pool, rows, slots);
  std::vector<void*> targets;
  for (int64_t slot : slots) targets.push_back(addressOf(pool, pool.placeOfSlot(slot)));
  const int64_t row = rows.dims[1] * rows.dims[2];
  const DeviceTable<void*> memory(context, targets.data(), static_cast<int64_t>(targets.size()));
  void* const* table = memory.data();
  const Floats to(pool.chunks[0]), from(rows);
  forEach(context, rows.count, [=] __device__(int64_t i) { valuesAt(to, table[i / row]).put(i % row, from[i]); });
}

}  // namespace

void registerCudaCachedAttention(Registry& r) {
  r.addCuda("CachedAttention", cachedAttention);
  r.addCuda("CachedAttentionRows", cachedAttentionRows);
  r.addCuda("KvWrite", kvWrite);
}

}  // namespace uc

// Attention over a paged key/value cache plus the current chunk, and writing chunks into pages.
//
// q [n, Hq, D], k and v [n, Hkv, D], pools [pages, page, Hkv, D], L = past + n keys. Two forms:
//   few queries (decoding a token): every key and value is read once, packed in cache and met by all queries of its group;
//     2 L Hkv D elements, memory bound. The tokens of several contexts, each with a past of its own, share one call.
//   many queries (prefill, denoising): packs keys and values once, then the tiles of packed attention, 4 D flops per pair,
//     compute bound
// Both compute in bf16 where all operands are bf16 or bf16 is asked for (see attention.cc).
#include <algorithm>
#include <vector>

#include "../runtime/context.h"
#include "../runtime/parallel.h"
#include "attention_tiles_bf16.h"
#include "fused.h"

namespace uc {

namespace {

// Decoding: as many rows (queries times heads of a group) as fit one tile, keys in runs of this length.
constexpr int64_t kFewRows = kTile;
constexpr int64_t kDecodeRun = 8 * kTile;

struct Problem {
  Tensor q, k, v, keys, values;
  std::vector<int64_t> pages;
  // The chunk is rows first... of q, k and v.
  int64_t first = 0;
  int64_t past, chunk, heads, keyHeads, page;
  HeadSize head;
  bool causal;
  float scale;

  int64_t total() const { return past + chunk; }
  // Number of keys that query i sees: they are always the first ones.
  int64_t seenBy(int64_t i) const { return causal ? past + i + 1 : total(); }

  // Where key or value j of a head lies: in the pool or in the chunk.
  RowPlace place(const Tensor& pool, const Tensor& own, int64_t j, int64_t keyHead) const {
    if (j >= past) return {own, ((first + j - past) * keyHeads + keyHead) * head.size};
    const int64_t slot = pages[j / page] * page + j % page;
    return {pool, (slot * keyHeads + keyHead) * head.size};
  }
};

// Everything but the past.
Problem readOperands(Args& args) {
  Problem p;
  p.q = args.floatTensor();
  p.k = args.floatTensor();
  p.v = args.floatTensor();
  p.keys = args.floatTensor();
  p.values = args.floatTensor();
  if (p.q.dims.rank() != 3 || p.k.dims.rank() != 3 || p.k.dims != p.v.dims || p.k.dims[0] != p.q.dims[0] ||
      p.k.dims[2] != p.q.dims[2] || p.keys.dims.rank() != 4 || p.keys.dims != p.values.dims ||
      p.keys.dims[2] != p.k.dims[1] || p.keys.dims[3] != p.k.dims[2] || p.k.dims[1] == 0 ||
      p.q.dims[1] % p.k.dims[1] != 0) {
    fail("q [n, Hq, D], k and v [n, Hkv, D], pools [pages, page, Hkv, D] are needed");
  }
  p.chunk = p.q.dims[0];
  p.heads = p.q.dims[1];
  p.keyHeads = p.k.dims[1];
  p.head = HeadSize(p.q.dims[2]);
  p.page = p.keys.dims[1];
  return p;
}

void checkPages(const Problem& p) {
  if (p.past < 0 || static_cast<int64_t>(p.pages.size()) * p.page < p.past) fail("the page table does not cover the past");
  for (int64_t page : p.pages) {
    if (page < 0 || page >= p.keys.dims[0]) fail("page " + std::to_string(page) + " does not exist");
  }
}

Problem readProblem(Args& args) {
  Problem p = readOperands(args);
  p.pages = args.integers();
  p.past = args.integer();
  p.causal = args.flag();
  p.scale = positiveScale(args);
  checkPages(p);
  return p;
}

// A problem for every row: the page tables follow each other, each as long as its past needs.
std::vector<Problem> readBatch(Args& args) {
  Problem p = readOperands(args);
  const std::vector<int64_t> tables = args.integers(), pasts = args.integers();
  p.causal = true;
  p.scale = positiveScale(args);
  if (static_cast<int64_t>(pasts.size()) != p.chunk) fail("a past for every row of q is needed");
  p.chunk = 1;
  std::vector<Problem> rows;
  auto table = tables.begin();
  for (int64_t past : pasts) {
    p.past = past;
    const int64_t used = past < 0 ? 0 : (past + p.page - 1) / p.page;
    p.pages.assign(table, table + std::min<int64_t>(used, tables.end() - table));
    checkPages(p);
    table += used;
    rows.push_back(p);
    ++p.first;
  }
  return rows;
}

// The queries of all heads of a group as rows of one tile: row r is query r / group of head r % group.
struct GroupVisibility {
  const Problem& p;
  int64_t firstKey, rows, group;

  TileClass classOf(int64_t tile) const {
    const int64_t first = firstKey + tile * kTile, last = std::min(first + kTile, p.total()) - 1;
    if (first >= p.seenBy((rows - 1) / group)) return TileClass::Empty;
    return last < p.seenBy(0) ? TileClass::Full : TileClass::Partial;
  }
  void hide(int64_t tile, int64_t count, float* scores) const {
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t seen = std::max<int64_t>(p.seenBy(r / group) - firstKey - tile * kTile, 0);
      for (int64_t j = seen; j < count; ++j) scores[r * kTile + j] = kMinusInfinity;
    }
  }
};

// Keys and values of one head from `first` on, packed tile by tile when they are needed.
template <class Tiles>
struct StreamedPanels {
  using Element = typename Tiles::Element;
  const Problem& p;
  int64_t keyHead, first, count;
  Element* memory;  // three tiles

  KeyTile<Element> tile(int64_t i) const {
    Element *keys = memory, *values = memory + p.head.tile(), *rows = memory + 2 * p.head.tile();
    packKeyTile<Tiles>(first + i * kTile, first + count, p.head,
                       [&](int64_t j) { return p.place(p.keys, p.k, j, keyHead); },
                       [&](int64_t j) { return p.place(p.values, p.v, j, keyHead); }, rows, keys, values);
    return {keys, values};
  }
};

// Results of all runs of keys, to be joined: out [runs, keyHeads, rows, width] and their log-sum-exp.
struct Parts {
  int64_t keyHeads, rows, width;
  float *out, *logSumExp;

  int64_t index(int64_t run, int64_t keyHead, int64_t row) const { return (run * keyHeads + keyHead) * rows + row; }
};

// The whole row is the sum of its parts weighted by exp(own - common log-sum-exp).
void joinParts(const Parts& parts, int64_t runs, int64_t keyHead, int64_t row, float* out) {
  float top = kMinusInfinity;
  for (int64_t run = 0; run < runs; ++run) top = std::max(top, parts.logSumExp[parts.index(run, keyHead, row)]);
  float total = 0.0f;
  std::fill(out, out + parts.width, 0.0f);
  for (int64_t run = 0; run < runs; ++run) {
    const int64_t at = parts.index(run, keyHead, row);
    const float weight = std::exp(parts.logSumExp[at] - top);
    const float* part = parts.out + at * parts.width;
    for (int64_t d = 0; d < parts.width; ++d) out[d] += weight * part[d];
    total += weight;
  }
  for (int64_t d = 0; d < parts.width; ++d) out[d] /= total;
}

// A run of keys of one key head of one context.
struct DecodeItem {
  const Problem& p;
  int64_t keyHead, first;
};

// Threads share the items of all contexts; runs have a fixed length, so results depend neither on threads nor on which
// contexts are decoded together. Contexts have equally many queries.
template <class Tiles>
void decode(Context& context, const std::vector<Problem>& contexts, const Tensor& y) {
  using Element = typename Tiles::Element;
  const HeadSize head = contexts[0].head;
  const int64_t group = contexts[0].heads / contexts[0].keyHeads, rows = contexts[0].chunk * group, tile = head.tile();
  std::vector<DecodeItem> items;
  int64_t longest = 0;
  for (const Problem& p : contexts) {
    longest = std::max(longest, p.total());
    for (int64_t first = 0; first < p.total(); first += kDecodeRun) {
      for (int64_t keyHead = 0; keyHead < p.keyHeads; ++keyHead) items.push_back({p, keyHead, first});
    }
  }
  const int threads = omp_get_max_threads();
  const int64_t count = static_cast<int64_t>(items.size());
  Scratch<Element> elements(context, threads * 4 * tile);
  Scratch<float> floats(context, threads * (tile + kTile));
  Scratch<typename Tiles::Work> works(context, threads);
  Scratch<float> outs(context, count * rows * head.width), sums(context, count * rows);
  const auto at = [&](const Problem& p, int64_t keyHead, int64_t r) {
    return ((p.first + r / group) * p.heads + keyHead * group + r % group) * head.size;
  };
  parallelFor(count, std::min(kDecodeRun, longest) * head.size, [&](int64_t begin, int64_t end) {
    const int thread = omp_get_thread_num();
    Element* queries = elements.data() + thread * 4 * tile;
    float* out = floats.data() + thread * (tile + kTile);
    for (int64_t i = begin; i < end; ++i) {
      const auto& [p, keyHead, first] = items[i];
      packRows(rows, head, queries, [&](int64_t r) { return RowPlace{p.q, at(p, keyHead, r)}; });
      StreamedPanels<Tiles> panels{p, keyHead, first, std::min(kDecodeRun, p.total() - first), queries + tile};
      attendTile<Tiles>(queries, rows, head, p.scale, panels, GroupVisibility{p, first, rows, group}, works[thread], out,
                        out + tile);
      std::copy_n(out, rows * head.width, outs.data() + i * rows * head.width);
      std::copy_n(out + tile, rows, sums.data() + i * rows);
    }
  });
  int64_t item = 0;
  for (const Problem& p : contexts) {
    const int64_t runs = (p.total() + kDecodeRun - 1) / kDecodeRun;
    const Parts parts{p.keyHeads, rows, head.width, outs.data() + item * rows * head.width, sums.data() + item * rows};
    for (int64_t row = 0; row < p.keyHeads * rows; ++row) {
      joinParts(parts, runs, row / rows, row % rows, floats.data());
      storeRow(y, at(p, row / rows, row % rows), head.size, floats.data());
    }
    item += runs * p.keyHeads;
  }
}

// A chunk sees the past; inside itself it is lower-triangular when causal.
struct ChunkVisibility {
  const Problem& p;
  int64_t query, rows;

  TileClass classOf(int64_t tile) const {
    const int64_t first = tile * kTile, last = std::min(first + kTile, p.total()) - 1;
    if (first >= p.seenBy(query + rows - 1)) return TileClass::Empty;
    return last < p.seenBy(query) ? TileClass::Full : TileClass::Partial;
  }
  void hide(int64_t tile, int64_t count, float* scores) const {
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t seen = std::max<int64_t>(p.seenBy(query + i) - tile * kTile, 0);
      for (int64_t j = seen; j < count; ++j) scores[i * kTile + j] = kMinusInfinity;
    }
  }
};

template <class Tiles>
void prefill(Context& context, const Problem& p, const Tensor& y) {
  using Element = typename Tiles::Element;
  const int64_t keyTiles = tileCount(p.total()), queryTiles = tileCount(p.chunk), each = keyTiles * p.head.tile();
  const int threads = omp_get_max_threads();
  Scratch<Element> keys(context, p.keyHeads * each), values(context, p.keyHeads * each);
  Scratch<Element> rows(context, threads * p.head.tile());
  Scratch<float> buffers(context, threads * (p.head.tile() + kTile));
  Scratch<typename Tiles::Work> works(context, threads);
#pragma omp parallel for schedule(static)
  for (int64_t item = 0; item < p.keyHeads * keyTiles; ++item) {
    const int64_t head = item / keyTiles;
    packKeyTile<Tiles>(item % keyTiles * kTile, p.total(), p.head,
                       [&](int64_t j) { return p.place(p.keys, p.k, j, head); },
                       [&](int64_t j) { return p.place(p.values, p.v, j, head); },
                       rows.data() + omp_get_thread_num() * p.head.tile(), keys.data() + item * p.head.tile(),
                       values.data() + item * p.head.tile());
  }
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t item = 0; item < p.heads * queryTiles; ++item) {
    const int thread = omp_get_thread_num();
    Element* queries = rows.data() + thread * p.head.tile();
    float* out = buffers.data() + thread * (p.head.tile() + kTile);
    float* logSumExp = out + p.head.tile();
    // The last query tiles see most.
    const int64_t head = item % p.heads, first = (queryTiles - 1 - item / p.heads) * kTile;
    const int64_t count = std::min(kTile, p.chunk - first), keyHead = head / (p.heads / p.keyHeads);
    const auto at = [&](int64_t i) { return ((first + i) * p.heads + head) * p.head.size; };
    packRows(count, p.head, queries, [&](int64_t i) { return RowPlace{p.q, at(i)}; });
    const KeyPanels<Element> panels{keys.data() + keyHead * each, values.data() + keyHead * each, p.total(),
                                    p.head.tile()};
    attendTile<Tiles>(queries, count, p.head, p.scale, panels, ChunkVisibility{p, first, count}, works[thread], out,
                      logSumExp);
    for (int64_t i = 0; i < count; ++i) storeRow(y, at(i), p.head.size, out + i * p.head.width);
  }
}

template <class Tiles>
void attend(Context& context, const Problem& p, const Tensor& y) {
  const bool few = p.chunk * (p.heads / p.keyHeads) <= kFewRows;
  few ? decode<Tiles>(context, {p}, y) : prefill<Tiles>(context, p, y);
}

}  // namespace

void registerCachedAttention(Registry& registry) {
  // q, k, v, keys, values, page table, past, causal, bf16, scale -> y [n, Hq, D]
  registry.add("CachedAttention", [](Context& context, Args& args, Results& results) {
    const Problem p = readProblem(args);
    const Tensor y = results.make(p.q.dims, args.flag() ? Phys::BF16 : promote(p.q.phys, p.v.phys));
    if (p.q.count == 0) return;
#ifdef __AVX512BF16__
    if (y.phys == Phys::BF16) return attend<Bf16Tiles>(context, p, y);
#endif
    attend<F32Tiles>(context, p, y);
  });

  // q, k, v, keys, values, page tables, pasts, scale, bf16 -> y [n, Hq, D]
  registry.add("CachedAttentionRows", [](Context& context, Args& args, Results& results) {
    const std::vector<Problem> rows = readBatch(args);
    const bool bf16 = args.flag();
    if (rows.empty()) fail("at least one row is needed");
    const Problem& p = rows[0];
    const Tensor y = results.make(p.q.dims, bf16 ? Phys::BF16 : promote(p.q.phys, p.v.phys));
    if (p.heads / p.keyHeads > kFewRows) fail("at most 64 query heads per key head are possible");
#ifdef __AVX512BF16__
    if (y.phys == Phys::BF16) return decode<Bf16Tiles>(context, rows, y);
#endif
    decode<F32Tiles>(context, rows, y);
  });

  // pool, chunk, slots: row i of the chunk goes to position slots[i] % page of page slots[i] / page
  registry.add("KvWriteRows", [](Context&, Args& args, Results&) {
    const Tensor pool = args.targetTensor();
    const Tensor chunk = args.floatTensor();
    const std::vector<int64_t> slots = args.integers();
    if (pool.dims.rank() != 4 || chunk.dims.rank() != 3 || pool.dims[2] != chunk.dims[1] || pool.dims[3] != chunk.dims[2] ||
        static_cast<int64_t>(slots.size()) != chunk.dims[0]) {
      fail("pool [pages, page, Hkv, D], chunk [n, Hkv, D] and n slots are needed");
    }
    const int64_t row = chunk.dims[1] * chunk.dims[2], end = pool.dims[0] * pool.dims[1];
    std::vector<float> buffer(row);
    for (size_t i = 0; i < slots.size(); ++i) {
      if (slots[i] < 0 || slots[i] >= end) fail("slot " + std::to_string(slots[i]) + " does not exist");
      storeRow(pool, slots[i] * row, row, readRow(chunk, static_cast<int64_t>(i) * row, row, buffer.data()));
    }
  });

  // pool, chunk, page table, position: rows position... of the cache become the chunk
  registry.add("KvWrite", [](Context&, Args& args, Results&) {
    const Tensor pool = args.targetTensor();
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
    for (int64_t index : pages) {
      if (index < 0 || index >= pool.dims[0]) fail("page " + std::to_string(index) + " does not exist");
    }
    std::vector<float> buffer(row);
    for (int64_t i = 0; i < chunk.dims[0]; ++i) {
      const int64_t at = position + i;
      storeRow(pool, (pages[at / page] * page + at % page) * row, row, readRow(chunk, i * row, row, buffer.data()));
    }
  });
}

}  // namespace uc

// Attention over a paged key/value cache plus the current chunk, and writing chunks into pages.
//
// q [n, Hq, D], k and v [n, Hkv, D], pools in chunks [pages, page, Hkv, D] (paged_pool.h), L = past + n keys. Two forms:
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
#include "paged_pool.h"

namespace uc {

namespace {

// Decoding: as many rows (queries times heads of a group) as fit one tile, keys in runs of this length.
constexpr int64_t kFewRows = kTile;
constexpr int64_t kDecodeRun = 8 * kTile;

struct Problem {
  const PagedOperands& o;
  std::vector<PagePlace> pages;
  // The chunk is rows first... of q, k and v.
  int64_t first, past, chunk;
  bool causal;
  float scale = 1;

  int64_t heads = o.q.dims[1], keyHeads = o.k.dims[1], page = o.keys.page();
  HeadSize head = HeadSize(o.q.dims[2]);

  int64_t total() const { return past + chunk; }
  // Number of keys that query i sees: they are always the first ones.
  int64_t seenBy(int64_t i) const { return causal ? past + i + 1 : total(); }

  RowPlace key(int64_t j, int64_t keyHead) const { return place(o.keys, o.k, j, keyHead); }
  RowPlace value(int64_t j, int64_t keyHead) const { return place(o.values, o.v, j, keyHead); }

 private:
  // Where key or value j of a head lies: in the pool or in the chunk.
  RowPlace place(const PagedPool& pool, const Tensor& own, int64_t j, int64_t keyHead) const {
    if (j >= past) return {own, ((first + j - past) * keyHeads + keyHead) * head.size};
    const PagePlace& start = pages[j / page];
    return {pool.chunks[start.chunk], ((start.position + j % page) * keyHeads + keyHead) * head.size};
  }
};

// A problem for every row: the page tables follow each other, each as long as its past needs.
std::vector<Problem> readBatch(const PagedOperands& o, Args& args) {
  const std::vector<int64_t> tables = args.integers(), pasts = args.integers();
  const float scale = positiveScale(args);
  if (static_cast<int64_t>(pasts.size()) != o.q.dims[0]) fail("a past for every row of q is needed");
  const std::vector<PagePlace> places = o.keys.places(tables);
  std::vector<Problem> rows;
  auto table = places.begin();
  for (int64_t past : pasts) {
    const int64_t used = o.pagesOf(past, places.end() - table);
    rows.push_back({o, {table, table + used}, static_cast<int64_t>(rows.size()), past, 1, true, scale});
    table += used;
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
                       [&](int64_t j) { return p.key(j, keyHead); },
                       [&](int64_t j) { return p.value(j, keyHead); }, rows, keys, values);
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
      packRows(rows, head, queries, [&](int64_t r) { return RowPlace{p.o.q, at(p, keyHead, r)}; });
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
                       [&](int64_t j) { return p.key(j, head); },
                       [&](int64_t j) { return p.value(j, head); },
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
    packRows(count, p.head, queries, [&](int64_t i) { return RowPlace{p.o.q, at(i)}; });
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
    const PagedOperands o(args);
    const std::vector<int64_t> table = args.integers();
    const int64_t past = args.integer();
    const bool causal = args.flag(), bf16 = args.flag();
    o.pagesOf(past, static_cast<int64_t>(table.size()));
    const Problem p{o, o.keys.places(table), 0, past, o.q.dims[0], causal, positiveScale(args)};
    const Tensor y = results.make(o.q.dims, bf16 ? Phys::BF16 : promote(o.q.phys, o.v.phys));
    if (o.q.count == 0) return;
#ifdef __AVX512BF16__
    if (y.phys == Phys::BF16) return attend<Bf16Tiles>(context, p, y);
#endif
    attend<F32Tiles>(context, p, y);
  });

  // q, k, v, keys, values, page tables, pasts, scale, bf16 -> y [n, Hq, D]
  registry.add("CachedAttentionRows", [](Context& context, Args& args, Results& results) {
    const PagedOperands o(args);
    const std::vector<Problem> rows = readBatch(o, args);
    const bool bf16 = args.flag();
    if (rows.empty()) fail("at least one row is needed");
    const Tensor y = results.make(o.q.dims, bf16 ? Phys::BF16 : promote(o.q.phys, o.v.phys));
    if (rows[0].heads / rows[0].keyHeads > kFewRows) fail("at most 64 query heads per key head are possible");
#ifdef __AVX512BF16__
    if (y.phys == Phys::BF16) return decode<Bf16Tiles>(context, rows, y);
#endif
    decode<F32Tiles>(context, rows, y);
  });

  // pool, rows, slots: row i goes to position slots[i] % page of page slots[i] / page
  registry.add("KvWrite", [](Context&, Args& args, Results&) {
    const PagedPool pool = readPool(args, true);
    const Tensor rows = args.floatTensor();
    const std::vector<int64_t> slots = args.integers();
    checkWrite(pool, rows, slots);
    const int64_t row = rows.dims[1] * rows.dims[2];
    std::vector<float> buffer(row);
    for (size_t i = 0; i < slots.size(); ++i) {
      const PagePlace to = pool.placeOfSlot(slots[i]);
      storeRow(pool.chunks[to.chunk], to.position * row, row, readRow(rows, static_cast<int64_t>(i) * row, row, buffer.data()));
    }
  });
}

}  // namespace uc

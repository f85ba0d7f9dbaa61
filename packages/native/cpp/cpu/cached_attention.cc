// Attention over a paged key/value cache plus the current chunk, and writing chunks into pages.
//
// q [n, Hq, D], k and v [n, Hkv, D], pools [pages, page, Hkv, D], L = past + n keys. Two forms:
//   few queries (decoding a token): reads every key and value once, memory bound, 4 D flops per pair
//   many queries (prefill, denoising): packs keys and values once, then the tiles of packed attention, compute bound
#include <algorithm>
#include <vector>

#include "../runtime/context.h"
#include "../runtime/parallel.h"
#include "attention_tiles.h"
#include "fused.h"

namespace uc {

namespace {

constexpr int64_t kFewQueries = 8;

struct Problem {
  Tensor q, k, v, keys, values;
  std::vector<int64_t> pages;
  int64_t past, chunk, heads, keyHeads, size, width, page;
  bool causal;
  float scale;

  int64_t total() const { return past + chunk; }
  // Number of keys that query i sees: they are always the first ones.
  int64_t seenBy(int64_t i) const { return causal ? past + i + 1 : total(); }

  // Key or value j of a head, from the pool or from the chunk.
  const float* row(const Tensor& pool, const Tensor& own, int64_t j, int64_t head, float* buffer) const {
    if (j >= past) return readRow(own, ((j - past) * keyHeads + head) * size, size, buffer);
    const int64_t slot = pages[j / page] * page + j % page;
    return readRow(pool, (slot * keyHeads + head) * size, size, buffer);
  }
};

Problem readProblem(Args& args) {
  Problem p;
  p.q = args.floatTensor();
  p.k = args.floatTensor();
  p.v = args.floatTensor();
  p.keys = args.floatTensor();
  p.values = args.floatTensor();
  p.pages = args.integers();
  p.past = args.integer();
  p.causal = args.flag();
  p.scale = static_cast<float>(args.real());
  if (p.q.dims.rank() != 3 || p.k.dims.rank() != 3 || p.k.dims != p.v.dims || p.k.dims[0] != p.q.dims[0] ||
      p.k.dims[2] != p.q.dims[2] || p.keys.dims.rank() != 4 || p.keys.dims != p.values.dims ||
      p.keys.dims[2] != p.k.dims[1] || p.keys.dims[3] != p.k.dims[2] || p.q.dims[1] % p.k.dims[1] != 0) {
    fail("q [n, Hq, D], k and v [n, Hkv, D], pools [pages, page, Hkv, D] are needed");
  }
  p.chunk = p.q.dims[0];
  p.heads = p.q.dims[1];
  p.keyHeads = p.k.dims[1];
  p.size = p.q.dims[2];
  p.width = paddedWidth(p.size);
  p.page = p.keys.dims[1];
  if (p.past < 0 || static_cast<int64_t>(p.pages.size()) * p.page < p.past) fail("the page table does not cover the past");
  for (int64_t page : p.pages) {
    if (page < 0 || page >= p.keys.dims[0]) fail("page " + std::to_string(page) + " does not exist");
  }
  return p;
}

float dot(const float* a, const float* b, int64_t n) {
  float s = 0.0f;
#pragma omp simd reduction(+ : s)
  for (int64_t i = 0; i < n; ++i) s += a[i] * b[i];
  return s;
}

// One key head with all queries of its group: every key row and value row is read once.
void decodeHead(const Problem& p, int64_t keyHead, float* scores, const Tensor& y) {
  const int64_t group = p.heads / p.keyHeads, rows = p.chunk * group, total = p.total();
  std::vector<float> queries(rows * p.size), out(rows * p.size, 0.0f), buffer(p.size), sums(rows);
  const auto queryAt = [&](int64_t r) { return (r / group * p.heads + keyHead * group + r % group) * p.size; };
  for (int64_t r = 0; r < rows; ++r) {
    const float* q = readRow(p.q, queryAt(r), p.size, buffer.data());
    for (int64_t d = 0; d < p.size; ++d) queries[r * p.size + d] = q[d] * p.scale;
  }
  for (int64_t j = 0; j < total; ++j) {
    const float* key = p.row(p.keys, p.k, j, keyHead, buffer.data());
    for (int64_t r = 0; r < rows; ++r) scores[r * total + j] = dot(queries.data() + r * p.size, key, p.size);
  }
  for (int64_t r = 0; r < rows; ++r) {
    float* s = scores + r * total;
    const int64_t seen = p.seenBy(r / group);
    float top = kMinusInfinity;
#pragma omp simd reduction(max : top)
    for (int64_t j = 0; j < seen; ++j) top = s[j] > top ? s[j] : top;
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < seen; ++j) {
      s[j] = fastExp(s[j] - top);
      sum += s[j];
    }
    std::fill(s + seen, s + total, 0.0f);
    sums[r] = 1.0f / sum;
  }
  for (int64_t j = 0; j < total; ++j) {
    const float* value = p.row(p.values, p.v, j, keyHead, buffer.data());
    for (int64_t r = 0; r < rows; ++r) {
      const float weight = scores[r * total + j] * sums[r];
      float* o = out.data() + r * p.size;
      for (int64_t d = 0; d < p.size; ++d) o[d] += weight * value[d];
    }
  }
  for (int64_t r = 0; r < rows; ++r) storeRow(y, queryAt(r), p.size, out.data() + r * p.size);
}

void decode(Context& context, const Problem& p, const Tensor& y) {
  const int64_t each = p.chunk * (p.heads / p.keyHeads) * p.total();
  Scratch<float> scores(context, p.keyHeads * each);
  parallelFor(p.keyHeads, p.total() * p.size * 4, [&](int64_t begin, int64_t end) {
    for (int64_t head = begin; head < end; ++head) decodeHead(p, head, scores.data() + head * each, y);
  });
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

void prefill(Context& context, const Problem& p, const Tensor& y) {
  const int64_t keyTiles = tileCount(p.total()), queryTiles = tileCount(p.chunk);
  Scratch<float> keys(context, p.keyHeads * keyTiles * p.size * kTile);
  Scratch<float> values(context, p.keyHeads * keyTiles * kTile * p.width);
#pragma omp parallel for schedule(static)
  for (int64_t item = 0; item < p.keyHeads * keyTiles; ++item) {
    const int64_t head = item / keyTiles, first = item % keyTiles * kTile;
    const int64_t count = std::min(kTile, p.total() - first);
    std::vector<float> row(p.size), tile(kTile * p.width);
    packRows(count, p.size, p.width, 1.0f, tile.data(),
             [&](int64_t j) { return p.row(p.keys, p.k, first + j, head, row.data()); });
    transposeTile(tile.data(), p.size, p.width, keys.data() + item * p.size * kTile);
    packRows(count, p.size, p.width, 1.0f, values.data() + item * kTile * p.width,
             [&](int64_t j) { return p.row(p.values, p.v, first + j, head, row.data()); });
  }
  const int threads = omp_get_max_threads();
  Scratch<TileWork> works(context, threads);
  Scratch<float> buffers(context, threads * kTile * (2 * p.width + 1));
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t item = 0; item < p.heads * queryTiles; ++item) {
    const int thread = omp_get_thread_num();
    float* queries = buffers.data() + thread * kTile * (2 * p.width + 1);
    float* out = queries + kTile * p.width;
    float* logSumExp = out + kTile * p.width;
    const int64_t head = item / queryTiles, first = item % queryTiles * kTile;
    const int64_t rows = std::min(kTile, p.chunk - first), keyHead = head / (p.heads / p.keyHeads);
    const auto at = [&](int64_t i) { return ((first + i) * p.heads + head) * p.size; };
    packRows(rows, p.size, p.width, p.scale, queries, [&](int64_t i) { return readRow(p.q, at(i), p.size, out); });
    const KeyPanels panels{keys.data() + keyHead * keyTiles * p.size * kTile,
                           values.data() + keyHead * keyTiles * kTile * p.width, p.total()};
    attendTile(queries, rows, p.size, p.width, panels, ChunkVisibility{p, first, rows}, works[thread], out, logSumExp);
    for (int64_t i = 0; i < rows; ++i) storeRow(y, at(i), p.size, out + i * p.width);
  }
}

}  // namespace

void registerCachedAttention(Registry& registry) {
  // q, k, v, keys, values, page table, past, causal, bf16, scale -> y [n, Hq, D]
  registry.add("CachedAttention", [](Context& context, Args& args, Results& results) {
    const Problem p = readProblem(args);
    const Tensor y = results.make(p.q.dims, args.flag() ? Phys::BF16 : promote(p.q.phys, p.v.phys));
    if (p.q.count == 0) return;
    if (p.chunk <= kFewQueries) {
      decode(context, p, y);
    } else {
      prefill(context, p, y);
    }
  });

  // pool, chunk, page table, position: rows position... of the cache become the chunk
  registry.add("KvWrite", [](Context&, Args& args, Results&) {
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

// Packed attention, forward: softmax(scale q k^T) v under an AttentionLayout, with the log-sum-exp of every row.
//
// q [T, Hq, D], k and v [T, Hkv, D]; 4 D flops per visible (query, key) pair and head, compute bound. Keys and values are
// packed once per key head (2 T width elements); a query tile then needs 64 x 64 scores in cache. Tiles that nobody sees are
// skipped, tiles that everybody sees are not tested. Threads take (head, query tile) items one by one, heaviest first, and
// every item is computed by one thread, so results do not depend on the number of threads.
//
// Where all operands are bf16 or bf16 is asked for, and the processor multiplies bf16, tiles are bf16 (Bf16Tiles).
#include <numeric>
#include <vector>

#include "../runtime/context.h"
#include "../runtime/parallel.h"
#include "attention.h"
#include "attention_tiles_bf16.h"
#include "fused.h"

namespace uc {

namespace {

struct QueryTileVisibility {
  const Layout& layout;
  int64_t queryTile, rows;

  TileClass classOf(int64_t keyTile) const { return layout.classOf(queryTile, keyTile); }
  void hide(int64_t keyTile, int64_t count, float* scores) const {
    layout.hide(queryTile * kTile, rows, keyTile * kTile, count, scores);
  }
};

// Query tiles by falling number of key tiles that they need: the last items of a parallel loop should be small.
std::vector<int64_t> heaviestFirst(const Layout& layout) {
  std::vector<int64_t> order(static_cast<size_t>(layout.tiles)), weight(order.size());
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = 0; i < layout.tiles; ++i) {
    for (int64_t j = 0; j < layout.tiles; ++j) weight[i] += layout.classOf(i, j) != TileClass::Empty;
  }
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return weight[a] > weight[b]; });
  return order;
}

// `rows` has a tile for each thread.
template <class Tiles, class Element>
void packKeys(const AttentionOperands& o, Element* rows, Element* keys, Element* values) {
  const int64_t tiles = tileCount(o.tokens);
#pragma omp parallel for schedule(static)
  for (int64_t item = 0; item < o.keyHeads * tiles; ++item) {
    const int64_t keyHead = item / tiles;
    packKeyTile<Tiles>(item % tiles * kTile, o.tokens, o.head,
                       [&](int64_t j) { return RowPlace{o.k, o.keyAt(j, keyHead)}; },
                       [&](int64_t j) { return RowPlace{o.v, o.keyAt(j, keyHead)}; },
                       rows + omp_get_thread_num() * o.head.tile(), keys + item * o.head.tile(),
                       values + item * o.head.tile());
  }
}

// Per thread: the work of a tile and the logarithms of its sums.
template <class Tiles>
struct ThreadWork {
  typename Tiles::Work tile;
  float logSumExp[kTile];
};

template <class Tiles>
void forward(Context& context, const AttentionOperands& o, const Layout& layout, float scale, const Tensor& y,
             float* logSumExp) {
  using Element = typename Tiles::Element;
  const int64_t tiles = tileCount(o.tokens), each = tiles * o.head.tile();
  const int threads = omp_get_max_threads();
  Scratch<Element> keys(context, o.keyHeads * each), values(context, o.keyHeads * each);
  Scratch<Element> queries(context, threads * o.head.tile());
  Scratch<float> outs(context, threads * o.head.tile());
  Scratch<ThreadWork<Tiles>> works(context, threads);
  const std::vector<int64_t> order = heaviestFirst(layout);
  packKeys<Tiles>(o, queries.data(), keys.data(), values.data());
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t item = 0; item < o.heads * tiles; ++item) {
    const int thread = omp_get_thread_num();
    Element* query = queries.data() + thread * o.head.tile();
    float* out = outs.data() + thread * o.head.tile();
    ThreadWork<Tiles>& work = works[thread];
    const int64_t head = item % o.heads, tile = order[item / o.heads], first = tile * kTile;
    const int64_t rows = std::min(kTile, o.tokens - first);
    packRows(rows, o.head, query, [&](int64_t i) { return RowPlace{o.q, o.queryAt(first + i, head)}; });
    const int64_t keyHead = o.keyHeadOf(head);
    const KeyPanels<Element> panels{keys.data() + keyHead * each, values.data() + keyHead * each, o.tokens,
                                    o.head.tile()};
    attendTile<Tiles>(query, rows, o.head, scale, panels, QueryTileVisibility{layout, tile, rows}, work.tile, out,
                      work.logSumExp);
    for (int64_t i = 0; i < rows; ++i) {
      storeRow(y, o.queryAt(first + i, head), o.head.size, out + i * o.head.width);
      logSumExp[head * o.tokens + first + i] = work.logSumExp[i];
    }
  }
}

}  // namespace

void registerAttention(Registry& registry) {
  // q, k, v, metadata, classes; bf16, scale -> y [T, Hq, D], logSumExp [Hq, T]
  registry.add("PackedAttention", [](Context& context, Args& args, Results& results) {
    const AttentionOperands o = readAttention(args);
    const Layout layout = readLayout(args, o.tokens);
    const Phys phys = args.flag() || o.bf16() ? Phys::BF16 : Phys::F32;
    const float scale = positiveScale(args);
    const Tensor y = results.make(o.q.dims, phys);
    const Tensor logSumExp = results.make({o.heads, o.tokens}, Phys::F32);
    if (o.q.count == 0) return;
#ifdef __AVX512BF16__
    if (phys == Phys::BF16) return forward<Bf16Tiles>(context, o, layout, scale, y, logSumExp.f32());
#endif
    forward<F32Tiles>(context, o, layout, scale, y, logSumExp.f32());
  });
}

}  // namespace uc

// Packed attention, forward: softmax(scale q k^T) v under an AttentionLayout, with the log-sum-exp of every row.
//
// q [T, Hq, D], k and v [T, Hkv, D]; 4 D flops per visible (query, key) pair and head, compute bound. Keys and values are
// packed once per key head (T (D + width) floats); a query tile then needs 64 x 64 scores in cache. Tiles that nobody sees
// are skipped, tiles that everybody sees are not tested. Threads share (head, query tile) items.
#include <vector>

#include "../runtime/context.h"
#include "../runtime/parallel.h"
#include "attention.h"
#include "fused.h"

namespace uc {

namespace {

struct QueryTileVisibility {
  const Layout& layout;
  int64_t queryTile, rows;

  TileClass classOf(int64_t keyTile) const { return layout.classOf(queryTile, keyTile); }
  void hide(int64_t keyTile, int64_t count, float* scores) const {
    layout.hide(queryTile * kTile, rows, keyTile * kTile, count, kMinusInfinity, scores);
  }
};

// Per thread: a query tile, its result and the scores.
struct ThreadWork {
  TileWork tile;
  float logSumExp[kTile];
};

void packKeys(const AttentionOperands& o, float* keys, float* values) {
  const int64_t tiles = tileCount(o.tokens);
#pragma omp parallel for schedule(static)
  for (int64_t item = 0; item < o.keyHeads * tiles; ++item) {
    const int64_t head = item / tiles, first = item % tiles * kTile;
    const int64_t count = std::min(kTile, o.tokens - first);
    std::vector<float> row(o.size), tile(kTile * o.width);
    const auto rowOf = [&](const Tensor& t) {
      return [&, head, first](int64_t j) { return readRow(t, ((first + j) * o.keyHeads + head) * o.size, o.size, row.data()); };
    };
    packRows(count, o.size, o.width, 1.0f, tile.data(), rowOf(o.k));
    transposeTile(tile.data(), o.size, o.width, keys + item * o.size * kTile);
    packRows(count, o.size, o.width, 1.0f, values + item * kTile * o.width, rowOf(o.v));
  }
}

void forward(Context& context, const AttentionOperands& o, const Layout& layout, float scale, const Tensor& y,
             float* logSumExp) {
  const int64_t tiles = tileCount(o.tokens);
  Scratch<float> keys(context, o.keyHeads * tiles * o.size * kTile);
  Scratch<float> values(context, o.keyHeads * tiles * kTile * o.width);
  const int threads = omp_get_max_threads();
  Scratch<ThreadWork> works(context, threads);
  Scratch<float> buffers(context, threads * 2 * kTile * o.width);
  packKeys(o, keys.data(), values.data());
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t item = 0; item < o.heads * tiles; ++item) {
    const int thread = omp_get_thread_num();
    float* queries = buffers.data() + thread * 2 * kTile * o.width;
    float* out = queries + kTile * o.width;
    ThreadWork& work = works[thread];
    const int64_t head = item / tiles, tile = item % tiles, first = tile * kTile;
    const int64_t rows = std::min(kTile, o.tokens - first);
    const auto at = [&](int64_t i) { return ((first + i) * o.heads + head) * o.size; };
    packRows(rows, o.size, o.width, scale, queries, [&](int64_t i) { return readRow(o.q, at(i), o.size, out); });
    const int64_t keyHead = o.keyHeadOf(head);
    const KeyPanels panels{keys.data() + keyHead * tiles * o.size * kTile,
                           values.data() + keyHead * tiles * kTile * o.width, o.tokens};
    attendTile(queries, rows, o.size, o.width, panels, QueryTileVisibility{layout, tile, rows}, work.tile, out,
               work.logSumExp);
    for (int64_t i = 0; i < rows; ++i) {
      storeRow(y, at(i), o.size, out + i * o.width);
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
    const Phys phys = args.flag() ? Phys::BF16 : promote(o.q.phys, promote(o.k.phys, o.v.phys));
    const float scale = static_cast<float>(args.real());
    const Tensor y = results.make(o.q.dims, phys);
    const Tensor logSumExp = results.make({o.heads, o.tokens}, Phys::F32);
    if (o.q.count > 0) forward(context, o, layout, scale, y, logSumExp.f32());
  });
}

}  // namespace uc

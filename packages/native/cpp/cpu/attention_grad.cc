// Packed attention, backward: dq, dk, dv from dy, recomputing the weights from q, k and the stored log-sum-exp.
//
// 10 D flops per visible pair and head (five products of 64 x 64 tiles, see attention_grad_tiles.h), compute bound. Keys and
// values are packed once per key head. An item is one query head, or a run of its key tiles where there are few heads: its
// query tiles are packed once, dq is summed in place, dk and dv of a key tile are summed in cache. Each item writes slices
// of its own, which are added in a fixed order afterwards: results do not depend on the number of threads.
#include <vector>

#include "../runtime/context.h"
#include "../runtime/parallel.h"
#include "attention.h"
#include "attention_grad_tiles.h"
#include "fused.h"

namespace uc {

namespace {

// Heads are cut into runs of key tiles until there are about this many items, whatever the number of threads.
constexpr int64_t kItems = 8;

struct Problem {
  AttentionOperands o;
  Tensor y, logSumExp, dy;
  Layout layout;
  float scale;

  int64_t runs() const { return std::clamp<int64_t>(kItems / o.heads, 1, layout.tiles); }
};

// [T, size] matrices of f32, one for each part of a sum.
struct Slices {
  float* data;
  int64_t tokens, size;

  float* row(int64_t slice, int64_t token) const { return data + (slice * tokens + token) * size; }
};

// out [T, heads, size] = the sum of `count` slices per head, in order; sliceOf(head, i) names them.
template <class F>
void sumSlices(const Slices& slices, const Tensor& out, int64_t heads, int64_t count, const F& sliceOf) {
  parallelFor(slices.tokens, heads * count * slices.size, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin * heads; item < end * heads; ++item) {
      const int64_t token = item / heads, head = item % heads;
      float* sum = slices.row(sliceOf(head, 0), token);
      for (int64_t i = 1; i < count; ++i) {
        const float* part = slices.row(sliceOf(head, i), token);
        for (int64_t d = 0; d < slices.size; ++d) sum[d] += part[d];
      }
      storeRow(out, item * slices.size, slices.size, sum);
    }
  });
}

// Working memory of one thread.
template <class Tiles>
struct ThreadWork {
  typename Tiles::Work tile;
  typename Tiles::Element* queries;  // [tiles, forms]
  typename Tiles::Element* rows;     // two tiles
  float* dQueries;                   // [tiles, 64 * width]
  float *dKeys, *dValues, *spare;    // a tile each
  RowStatistics* statistics;         // [tiles]
};

template <class Tiles>
class Backward {
  using Element = typename Tiles::Element;
  using Work = ThreadWork<Tiles>;

 public:
  Backward(Context& context, const Problem& p, const Tensor& dq, const Tensor& dk, const Tensor& dv)
      : p_(p), dq_(dq), dk_(dk), dv_(dv), tile_(p.o.head.tile()), tiles_(p.layout.tiles), runs_(p.runs()),
        threads_(static_cast<int>(std::min<int64_t>(omp_get_max_threads(), std::max(p.o.heads * runs_, p.o.keyHeads)))),
        keys_(context, p.o.keyHeads * tiles_ * Tiles::kKeyForms * tile_),
        elements_(context, threads_ * (tiles_ * Tiles::kQueryForms + 2) * tile_),
        floats_(context, threads_ * (tiles_ + 3) * tile_),
        statistics_(context, threads_ * tiles_), works_(context, threads_),
        dKeySlices_(context, p.o.heads * p.o.tokens * p.o.head.size),
        dValueSlices_(context, p.o.heads * p.o.tokens * p.o.head.size),
        dQuerySlices_(context, runs_ == 1 ? 1 : runs_ * p.o.heads * p.o.tokens * p.o.head.size) {
    for (int t = 0; t < threads_; ++t) {
      Work& work = works_[t];
      work.queries = elements_.data() + t * (tiles_ * Tiles::kQueryForms + 2) * tile_;
      work.rows = work.queries + tiles_ * Tiles::kQueryForms * tile_;
      work.dQueries = floats_.data() + t * (tiles_ + 3) * tile_;
      work.dKeys = work.dQueries + tiles_ * tile_;
      work.dValues = work.dKeys + tile_;
      work.spare = work.dValues + tile_;
      work.statistics = statistics_.data() + t * tiles_;
    }
  }

  void run() {
    const AttentionOperands& o = p_.o;
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (int64_t item = 0; item < o.keyHeads * tiles_; ++item) packKeyTile(item, works_[omp_get_thread_num()]);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads_)
    for (int64_t item = 0; item < o.heads * runs_; ++item) {
      headGradient(item % o.heads, item / o.heads, works_[omp_get_thread_num()]);
    }
    const int64_t group = o.heads / o.keyHeads;
    const auto ofGroup = [group](int64_t keyHead, int64_t i) { return keyHead * group + i; };
    sumSlices(slices(dKeySlices_), dk_, o.keyHeads, group, ofGroup);
    sumSlices(slices(dValueSlices_), dv_, o.keyHeads, group, ofGroup);
    if (runs_ == 1) return;
    sumSlices(slices(dQuerySlices_), dq_, o.heads, runs_, [&](int64_t head, int64_t i) { return i * o.heads + head; });
  }

 private:
  Slices slices(Scratch<float>& memory) const { return {memory.data(), p_.o.tokens, p_.o.head.size}; }
  int64_t rowsOf(int64_t tile) const { return std::min(kTile, p_.o.tokens - tile * kTile); }
  Element* keyForms(int64_t keyHead, int64_t tile) {
    return keys_.data() + (keyHead * tiles_ + tile) * Tiles::kKeyForms * tile_;
  }

  void packKeyTile(int64_t item, Work& work) {
    const AttentionOperands& o = p_.o;
    const int64_t keyHead = item / tiles_, tile = item % tiles_, first = tile * kTile;
    Element *k = work.rows, *v = work.rows + tile_;
    packRows(rowsOf(tile), o.head, k, [&](int64_t j) { return RowPlace{o.k, o.keyAt(first + j, keyHead)}; });
    packRows(rowsOf(tile), o.head, v, [&](int64_t j) { return RowPlace{o.v, o.keyAt(first + j, keyHead)}; });
    Tiles::packKey(k, v, o.head, keyForms(keyHead, tile));
  }

  void packQueryTile(int64_t head, int64_t tile, Work& work) {
    const AttentionOperands& o = p_.o;
    const int64_t first = tile * kTile, rows = rowsOf(tile);
    Element *q = work.rows, *dy = work.rows + tile_;
    packRows(rows, o.head, q, [&](int64_t i) { return RowPlace{o.q, o.queryAt(first + i, head)}; });
    packRows(rows, o.head, dy, [&](int64_t i) { return RowPlace{p_.dy, o.queryAt(first + i, head)}; });
    Tiles::packQuery(q, dy, o.head, work.queries + tile * Tiles::kQueryForms * tile_);
    RowStatistics& statistics = work.statistics[tile];
    for (int64_t i = 0; i < kTile; ++i) {
      const float logSumExp = i < rows ? p_.logSumExp.f32()[head * o.tokens + first + i] : kMinusInfinity;
      statistics.logSumExp[i] = logSumExp == kMinusInfinity ? kNoWeight : logSumExp;
      statistics.delta[i] = i < rows ? delta(o.queryAt(first + i, head), work.spare) : 0.0f;
    }
  }

  // dy . y of one row; `spare` has room for two rows.
  float delta(int64_t at, float* spare) const {
    const int64_t size = p_.o.head.size;
    const float* y = readRow(p_.y, at, size, spare);
    const float* dy = readRow(p_.dy, at, size, spare + size);
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t d = 0; d < size; ++d) sum += y[d] * dy[d];
    return sum;
  }

  // All that key tiles [tiles * run / runs, tiles * (run + 1) / runs) give to one head.
  void headGradient(int64_t head, int64_t run, Work& work) {
    const AttentionOperands& o = p_.o;
    for (int64_t tile = 0; tile < tiles_; ++tile) packQueryTile(head, tile, work);
    std::memset(work.dQueries, 0, static_cast<size_t>(tiles_ * tile_) * sizeof(float));
    for (int64_t keyTile = tiles_ * run / runs_; keyTile < tiles_ * (run + 1) / runs_; ++keyTile) {
      std::memset(work.dKeys, 0, static_cast<size_t>(2 * tile_) * sizeof(float));  // and dValues behind it
      const Element* key = keyForms(o.keyHeadOf(head), keyTile);
      for (int64_t queryTile = 0; queryTile < tiles_; ++queryTile) {
        const TilePair pair{p_.layout, queryTile, keyTile, p_.layout.classOf(queryTile, keyTile)};
        if (pair.kind == TileClass::Empty) continue;
        Tiles::addPair(pair, work.queries + queryTile * Tiles::kQueryForms * tile_, key, work.statistics[queryTile],
                       o.head, p_.scale, work.tile, {work.dQueries + queryTile * tile_, work.dKeys, work.dValues});
      }
      for (int64_t j = 0; j < rowsOf(keyTile); ++j) {
        const int64_t token = keyTile * kTile + j;
        std::copy_n(work.dKeys + j * o.head.width, o.head.size, slices(dKeySlices_).row(head, token));
        std::copy_n(work.dValues + j * o.head.width, o.head.size, slices(dValueSlices_).row(head, token));
      }
    }
    for (int64_t tile = 0; tile < tiles_; ++tile) {
      const float* rows = Tiles::queryGradRows(work.dQueries + tile * tile_, o.head, work.spare);
      for (int64_t i = 0; i < rowsOf(tile); ++i) {
        const int64_t token = tile * kTile + i;
        const float* row = rows + i * o.head.width;
        if (runs_ == 1) {
          storeRow(dq_, o.queryAt(token, head), o.head.size, row);
        } else {
          std::copy_n(row, o.head.size, slices(dQuerySlices_).row(run * o.heads + head, token));
        }
      }
    }
  }

  const Problem& p_;
  const Tensor &dq_, &dk_, &dv_;
  const int64_t tile_, tiles_, runs_;
  const int threads_;
  Scratch<Element> keys_, elements_;
  Scratch<float> floats_;
  Scratch<RowStatistics> statistics_;
  Scratch<Work> works_;
  Scratch<float> dKeySlices_, dValueSlices_, dQuerySlices_;
};

}  // namespace

void registerAttentionGrad(Registry& registry) {
  // q, k, v, metadata, classes, y, logSumExp, dy; scale -> dq, dk, dv of the types of q, k, v. Computes in bf16 where the
  // forward pass did, which the type of y tells.
  registry.add("PackedAttentionGrad", [](Context& context, Args& args, Results& results) {
    Problem p;
    p.o = readAttention(args);
    p.layout = readLayout(args, p.o.tokens);
    p.y = args.floatTensor();
    p.logSumExp = args.floatTensor();
    p.dy = args.floatTensor();
    p.scale = positiveScale(args);
    if (p.y.dims != p.o.q.dims || p.dy.dims != p.o.q.dims || p.logSumExp.count != p.o.heads * p.o.tokens ||
        p.logSumExp.phys != Phys::F32) {
      fail("y and dy of the shape of q and logSumExp [Hq, T] are needed");
    }
    const Tensor dq = results.make(p.o.q.dims, p.o.q.phys);
    const Tensor dk = results.make(p.o.k.dims, p.o.k.phys);
    const Tensor dv = results.make(p.o.v.dims, p.o.v.phys);
    if (p.o.q.count == 0) return;
#ifdef __AVX512BF16__
    if (p.y.phys == Phys::BF16) return Backward<Bf16GradTiles>(context, p, dq, dk, dv).run();
#endif
    Backward<F32GradTiles>(context, p, dq, dk, dv).run();
  });
}

}  // namespace uc

// Packed attention, backward: dq, dk, dv from dy, recomputing the weights from q, k and the stored log-sum-exp.
//
// 10 D flops per visible pair and head (five products of 64 x 64 tiles), compute bound. One item is one query head: its
// query tiles are packed once, dq is summed in place, dk and dv of a key tile are summed in cache. With grouped heads each
// query head writes its own dk and dv, added in order of the heads afterwards, so results do not depend on threads.
#include <vector>

#include "../runtime/context.h"
#include "../runtime/parallel.h"
#include "attention.h"
#include "fused.h"

namespace uc {

namespace {

struct Problem {
  AttentionOperands o;
  Tensor y, logSumExp, dy;
  Layout layout;
  float scale;
};

// Working memory of one thread, all tiles [64, width] unless said otherwise.
struct Work {
  float *queries, *upstream, *dQueries;  // whole rows of tiles: [tiles * 64, width]
  float *logSumExp, *delta;              // [tiles * 64]
  float *keyRows, *valueRows, *dKeys, *dValues;
  float *keyColumns, *valueColumns;  // [size, 64]
  float *weights, *slopes;           // [64, 64]

  static int64_t floats(int64_t tiles, int64_t width) {
    return tiles * kTile * (3 * width + 2) + 6 * kTile * width + 2 * kTile * kTile;
  }
  Work(float* memory, int64_t tiles, int64_t width) {
    const auto take = [&memory](int64_t n) {
      float* part = memory;
      memory += n;
      return part;
    };
    const int64_t rows = tiles * kTile;
    for (float** part : {&queries, &upstream, &dQueries}) *part = take(rows * width);
    for (float** part : {&logSumExp, &delta}) *part = take(rows);
    for (float** part : {&keyRows, &valueRows, &dKeys, &dValues, &keyColumns, &valueColumns}) *part = take(kTile * width);
    for (float** part : {&weights, &slopes}) *part = take(kTile * kTile);
  }
};

// Packs queries and upstream gradients of a head and the row sums delta = dy . y.
void packHead(const Problem& p, int64_t head, const Work& work) {
  const AttentionOperands& o = p.o;
  std::vector<float> bufferY(o.size), bufferDy(o.size);
  for (int64_t tile = 0; tile < p.layout.tiles; ++tile) {
    const int64_t first = tile * kTile, rows = std::min(kTile, o.tokens - first);
    const auto at = [&](int64_t i) { return ((first + i) * o.heads + head) * o.size; };
    packRows(rows, o.size, o.width, 1.0f, work.queries + first * o.width,
             [&](int64_t i) { return readRow(o.q, at(i), o.size, bufferY.data()); });
    packRows(rows, o.size, o.width, 1.0f, work.upstream + first * o.width,
             [&](int64_t i) { return readRow(p.dy, at(i), o.size, bufferY.data()); });
    for (int64_t i = 0; i < kTile; ++i) {
      // Rows behind the last token get weight zero.
      work.logSumExp[first + i] = i < rows ? p.logSumExp.f32()[head * o.tokens + first + i] : 1e30f;
      float delta = 0.0f;
      if (i < rows) {
        const float* y = readRow(p.y, at(i), o.size, bufferY.data());
        const float* dy = readRow(p.dy, at(i), o.size, bufferDy.data());
#pragma omp simd reduction(+ : delta)
        for (int64_t d = 0; d < o.size; ++d) delta += y[d] * dy[d];
      }
      work.delta[first + i] = delta;
    }
  }
  std::memset(work.dQueries, 0, static_cast<size_t>(p.layout.tiles * kTile * o.width) * sizeof(float));
}

void packKeyTile(const Problem& p, int64_t keyHead, int64_t tile, const Work& work) {
  const AttentionOperands& o = p.o;
  std::vector<float> buffer(o.size);
  const int64_t first = tile * kTile, count = std::min(kTile, o.tokens - first);
  const auto pack = [&](const Tensor& t, float* to, float* transposed) {
    packRows(count, o.size, o.width, 1.0f, to, [&](int64_t j) {
      return readRow(t, ((first + j) * o.keyHeads + keyHead) * o.size, o.size, buffer.data());
    });
    transposeTile(to, o.size, o.width, transposed);
  };
  pack(o.k, work.keyRows, work.keyColumns);
  pack(o.v, work.valueRows, work.valueColumns);
}

// One pair of tiles: adds its share to dQueries, dKeys and dValues.
void pairOfTiles(const Problem& p, int64_t queryTile, int64_t keyTile, TileClass kind, const Work& work) {
  const AttentionOperands& o = p.o;
  const int64_t w = o.width, first = queryTile * kTile;
  const int64_t rows = std::min(kTile, o.tokens - first), count = std::min(kTile, o.tokens - keyTile * kTile);
  const float* queries = work.queries + first * w;
  const float* upstream = work.upstream + first * w;
  tileGemm(kTile, o.size, kTile, {queries, w, 1}, {work.keyColumns, kTile}, {work.weights, kTile, false});
  if (kind == TileClass::Partial) p.layout.hide(first, rows, keyTile * kTile, count, kMinusInfinity, work.weights);
  for (int64_t i = 0; i < kTile; ++i) {
    float* s = work.weights + i * kTile;
    const float lse = work.logSumExp[first + i];
    for (int64_t j = 0; j < kTile; ++j) s[j] = fastExp(s[j] * p.scale - lse);
  }
  tileGemm(kTile, kTile, w, {work.weights, 1, kTile}, {upstream, w}, {work.dValues, w, true});
  tileGemm(kTile, o.size, kTile, {upstream, w, 1}, {work.valueColumns, kTile}, {work.slopes, kTile, false});
  for (int64_t i = 0; i < kTile; ++i) {
    float* ds = work.slopes + i * kTile;
    const float* s = work.weights + i * kTile;
    const float delta = work.delta[first + i];
    for (int64_t j = 0; j < kTile; ++j) ds[j] = s[j] * (ds[j] - delta) * p.scale;
  }
  tileGemm(kTile, kTile, w, {work.slopes, 1, kTile}, {queries, w}, {work.dKeys, w, true});
  tileGemm(kTile, kTile, w, {work.slopes, kTile, 1}, {work.keyRows, w}, {work.dQueries + first * w, w, true});
}

// dk and dv of one query head go to `dKeys` and `dValues`, [T, size] each.
void headGradient(const Problem& p, int64_t head, const Work& work, float* dKeys, float* dValues, const Tensor& dq) {
  const AttentionOperands& o = p.o;
  packHead(p, head, work);
  for (int64_t keyTile = 0; keyTile < p.layout.tiles; ++keyTile) {
    packKeyTile(p, o.keyHeadOf(head), keyTile, work);
    std::memset(work.dKeys, 0, static_cast<size_t>(kTile * o.width) * sizeof(float));
    std::memset(work.dValues, 0, static_cast<size_t>(kTile * o.width) * sizeof(float));
    for (int64_t queryTile = 0; queryTile < p.layout.tiles; ++queryTile) {
      const TileClass kind = p.layout.classOf(queryTile, keyTile);
      if (kind != TileClass::Empty) pairOfTiles(p, queryTile, keyTile, kind, work);
    }
    for (int64_t j = 0; j < std::min(kTile, o.tokens - keyTile * kTile); ++j) {
      const int64_t to = (keyTile * kTile + j) * o.size;
      std::memcpy(dKeys + to, work.dKeys + j * o.width, static_cast<size_t>(o.size) * sizeof(float));
      std::memcpy(dValues + to, work.dValues + j * o.width, static_cast<size_t>(o.size) * sizeof(float));
    }
  }
  for (int64_t i = 0; i < o.tokens; ++i) storeRow(dq, (i * o.heads + head) * o.size, o.size, work.dQueries + i * o.width);
}

// Adds the parts [heads, T, size] of each group in order into [T, keyHeads, size].
void sumGroups(const AttentionOperands& o, const float* parts, const Tensor& out) {
  const int64_t group = o.heads / o.keyHeads;
  parallelFor(o.tokens, o.heads * o.size, [&](int64_t begin, int64_t end) {
    std::vector<float> sum(o.size);
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t keyHead = 0; keyHead < o.keyHeads; ++keyHead) {
        std::fill(sum.begin(), sum.end(), 0.0f);
        for (int64_t head = keyHead * group; head < (keyHead + 1) * group; ++head) {
          const float* part = parts + (head * o.tokens + i) * o.size;
          for (int64_t d = 0; d < o.size; ++d) sum[d] += part[d];
        }
        storeRow(out, (i * o.keyHeads + keyHead) * o.size, o.size, sum.data());
      }
    }
  });
}

void backward(Context& context, const Problem& p, const Tensor& dq, const Tensor& dk, const Tensor& dv) {
  const AttentionOperands& o = p.o;
  const int64_t perHead = o.tokens * o.size;
  Scratch<float> dKeys(context, o.heads * perHead);
  Scratch<float> dValues(context, o.heads * perHead);
  const int threads = static_cast<int>(std::min<int64_t>(omp_get_max_threads(), o.heads));
  const int64_t each = Work::floats(p.layout.tiles, o.width);
  Scratch<float> memory(context, threads * each);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (int64_t head = 0; head < o.heads; ++head) {
    const Work work(memory.data() + omp_get_thread_num() * each, p.layout.tiles, o.width);
    headGradient(p, head, work, dKeys.data() + head * perHead, dValues.data() + head * perHead, dq);
  }
  sumGroups(o, dKeys.data(), dk);
  sumGroups(o, dValues.data(), dv);
}

}  // namespace

void registerAttentionGrad(Registry& registry) {
  // q, k, v, metadata, classes, y, logSumExp, dy; scale -> dq, dk, dv of the types of q, k, v
  registry.add("PackedAttentionGrad", [](Context& context, Args& args, Results& results) {
    Problem p;
    p.o = readAttention(args);
    p.layout = readLayout(args, p.o.tokens);
    p.y = args.floatTensor();
    p.logSumExp = args.floatTensor();
    p.dy = args.floatTensor();
    p.scale = static_cast<float>(args.real());
    if (p.y.dims != p.o.q.dims || p.dy.dims != p.o.q.dims || p.logSumExp.count != p.o.heads * p.o.tokens) {
      fail("y and dy of the shape of q and logSumExp [Hq, T] are needed");
    }
    const Tensor dq = results.make(p.o.q.dims, p.o.q.phys);
    const Tensor dk = results.make(p.o.k.dims, p.o.k.phys);
    const Tensor dv = results.make(p.o.v.dims, p.o.v.phys);
    if (p.o.q.count > 0) backward(context, p, dq, dk, dv);
  });
}

}  // namespace uc

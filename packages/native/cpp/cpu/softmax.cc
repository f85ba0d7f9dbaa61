// Softmax over the last dimension and its gradient. Memory bound: one read and one write per element (two reads for the
// gradient); a row stays in the cache between its passes. About 25 flops per element. Statistics are f32.
#include <vector>

#include "../runtime/parallel.h"
#include "streaming.h"
#include "register.h"
#include "softmax_row.h"

namespace uc {

namespace {

// x -> e^(x - max) / sum. bf16 results pass through a row of f32, so that they are rounded once.
template <class X, class Y>
void softmaxRow(const X* x, int64_t n, float* work, Y y) {
  const float most = rowMax(x, n);
  Lanes sum[2] = {};
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    for (int u = 0; u < 2; ++u) {
      prefetch(x + n + i + u * kLanes);
      const Lanes e = expLanes(loadLanes(x + i + u * kLanes) - most);
      storeLanes(work + i + u * kLanes, e);
      sum[u] += e;
    }
  }
  for (; i < n; i += kLanes) {
    const int64_t count = std::min<int64_t>(kLanes, n - i);
    const Lanes e = expLanes(loadPart(x + i, count, -INFINITY) - most);
    storePart(work + i, count, e);
    sum[0] += e;
  }
  const float scale = 1.0f / sumLanes(sum[0] + sum[1]);
  eachVector(0, n, [&](int64_t, const auto& load, const auto& store) { store(y, load(work) * scale); });
}

void softmax(Context&, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const Tensor y = results.make(x.dims, x.phys);
  if (y.count == 0) return;
  const int64_t n = x.dims.last();
  withOutput(y, n, [&](auto out) {
    const auto* in = x.as<ElementOf<decltype(out)>>();
    parallelFor(x.count / n, n * 4, [&](int64_t begin, int64_t end) {
      std::vector<float> work(n);
      for (int64_t at = begin * n; at < end * n; at += n) softmaxRow(in + at, n, work.data(), out + at);
    });
  });
}

// dy, y -> y (dy - sum(dy y)).
template <class D, class Y, class X>
void softmaxGradRow(const D* dy, const Y* y, int64_t n, X dx) {
  Lanes sum[2] = {};
  int turn = 0;
  eachVector(0, n, [&](int64_t, const auto& load, const auto&) { sum[turn ^= 1] += load(dy) * load(y); });
  const float dot = sumLanes(sum[0] + sum[1]);
  eachVector(0, n, [&](int64_t, const auto& load, const auto& store) { store(dx, load(y) * (load(dy) - dot)); });
}

void softmaxGrad(Context&, Args& args, Results& results) {
  const Tensor dy = args.floatTensor();
  const Tensor y = args.floatTensor();
  if (dy.dims != y.dims) fail("the gradient and the output differ in shape");
  const Tensor dx = results.make(y.dims, promote(dy.phys, y.phys));
  if (dx.count == 0) return;
  const int64_t n = y.dims.last();
  withFloats(dy.phys, [&](auto* dType) {
    withFloats(y.phys, [&](auto* yType) {
      withOutput(dx, n, [&](auto out) {
        using D = std::remove_pointer_t<decltype(dType)>;
        using Y = std::remove_pointer_t<decltype(yType)>;
        parallelFor(y.count / n, n * 2, [&](int64_t begin, int64_t end) {
          for (int64_t at = begin * n; at < end * n; at += n) {
            softmaxGradRow(dy.as<D>() + at, y.as<Y>() + at, n, out + at);
          }
        });
      });
    });
  });
}

}  // namespace

void registerSoftmax(Registry& r) {
  r.add("Softmax", softmax);
  r.add("SoftmaxGrad", softmaxGrad);
}

}  // namespace uc

// Softmax over the last dimension and its gradient. Memory bound: one read and one write per element; a row stays in
// the cache between its passes.
#include <vector>

#include "../runtime/parallel.h"
#include "broadcast.h"
#include "fast_math.h"
#include "register.h"

namespace uc {

namespace {

float rowMax(const float* x, int64_t n) {
  float best = -INFINITY;
  for (int64_t i = 0; i < n; ++i) best = x[i] > best ? x[i] : best;
  return best;
}

// -fno-trapping-math alone does not let the compiler reorder a sum; the lanes do.
float rowSum(const float* x, int64_t n) {
  float lanes[16] = {};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int l = 0; l < 16; ++l) lanes[l] += x[i + l];
  }
  float total = 0;
  for (; i < n; ++i) total += x[i];
  for (float lane : lanes) total += lane;
  return total;
}

float rowDot(const float* a, const float* b, int64_t n) {
  float lanes[16] = {};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int l = 0; l < 16; ++l) lanes[l] += a[i + l] * b[i + l];
  }
  float total = 0;
  for (; i < n; ++i) total += a[i] * b[i];
  for (float lane : lanes) total += lane;
  return total;
}

// A row as f32: the tensor's own memory or a converted copy.
const float* rowOf(const Tensor& t, int64_t row, int64_t n, std::vector<float>& buffer) {
  if (t.phys == Phys::F32) return t.f32() + row * n;
  widen(t.b16() + row * n, buffer.data(), n);
  return buffer.data();
}

void writeRow(const Tensor& t, int64_t row, int64_t n, const std::vector<float>& buffer) {
  if (t.phys == Phys::BF16) narrow(buffer.data(), t.b16() + row * n, n);
}

// x -> e^(x - max) / sum.
void softmax(Context&, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const Tensor y = results.make(x.dims, x.phys);
  if (y.count == 0) return;
  const int64_t n = x.dims.last();
  parallelFor(x.count / n, n * 4, [&](int64_t begin, int64_t end) {
    std::vector<float> in(n);
    std::vector<float> out(y.phys == Phys::BF16 ? n : 0);
    for (int64_t row = begin; row < end; ++row) {
      const float* from = rowOf(x, row, n, in);
      float* to = y.phys == Phys::F32 ? y.f32() + row * n : out.data();
      const float most = rowMax(from, n);
      for (int64_t i = 0; i < n; ++i) to[i] = fastExp(from[i] - most);
      const float scale = 1.0f / rowSum(to, n);
      for (int64_t i = 0; i < n; ++i) to[i] *= scale;
      writeRow(y, row, n, out);
    }
  });
}

// dy, y -> y (dy - sum(dy y)).
void softmaxGrad(Context&, Args& args, Results& results) {
  const Tensor dy = args.floatTensor();
  const Tensor y = args.floatTensor();
  if (dy.dims != y.dims) fail("the gradient and the output differ in shape");
  const Tensor dx = results.make(y.dims, promote(dy.phys, y.phys));
  if (dx.count == 0) return;
  const int64_t n = y.dims.last();
  parallelFor(y.count / n, n * 2, [&](int64_t begin, int64_t end) {
    std::vector<float> inDy(n);
    std::vector<float> inY(n);
    std::vector<float> out(dx.phys == Phys::BF16 ? n : 0);
    for (int64_t row = begin; row < end; ++row) {
      const float* rowDy = rowOf(dy, row, n, inDy);
      const float* rowY = rowOf(y, row, n, inY);
      float* to = dx.phys == Phys::F32 ? dx.f32() + row * n : out.data();
      const float dot = rowDot(rowDy, rowY, n);
      for (int64_t i = 0; i < n; ++i) to[i] = rowY[i] * (rowDy[i] - dot);
      writeRow(dx, row, n, out);
    }
  });
}

}  // namespace

void registerSoftmax(Registry& r) {
  r.add("Softmax", softmax);
  r.add("SoftmaxGrad", softmaxGrad);
}

}  // namespace uc

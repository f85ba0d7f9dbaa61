// Softmax over the last dimension and its gradient. Memory bound: rows come from the cache in the second and third pass.
#include "../formulas/elementwise.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

// x -> e^(x - max) / sum.
void softmax(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const Tensor y = results.make(x.dims, x.phys);
  if (y.count == 0) return;
  const int64_t n = x.dims.last();
  const Floats in(x), out(y);
  forEachBlock(context, x.count / n, [=] __device__(int64_t row) {
    float most = -INFINITY;
    for (int64_t i = threadIdx.x; i < n; i += kBlockThreads) most = Larger{}(in[row * n + i], most);
    most = blockReduce(most, Larger{});
    float sum = 0;
    for (int64_t i = threadIdx.x; i < n; i += kBlockThreads) sum += fastExp(in[row * n + i] - most);
    const float scale = 1.0f / blockSum(sum);
    for (int64_t i = threadIdx.x; i < n; i += kBlockThreads) {
      out.put(row * n + i, fastExp(in[row * n + i] - most) * scale);
    }
  });
}

// dy, y -> y (dy - sum(dy y)).
void softmaxGrad(Context& context, Args& args, Results& results) {
  const Tensor dy = args.floatTensor();
  const Tensor y = args.floatTensor();
  if (dy.dims != y.dims) fail("the gradient and the output differ in shape");
  const Tensor dx = results.make(y.dims, promote(dy.phys, y.phys));
  if (dx.count == 0) return;
  const int64_t n = y.dims.last();
  const Floats upstream(dy), weights(y), out(dx);
  forEachBlock(context, y.count / n, [=] __device__(int64_t row) {
    float dot = 0;
    for (int64_t i = row * n + threadIdx.x; i < (row + 1) * n; i += kBlockThreads) dot += upstream[i] * weights[i];
    dot = blockSum(dot);
    for (int64_t i = row * n + threadIdx.x; i < (row + 1) * n; i += kBlockThreads) {
      out.put(i, weights[i] * (upstream[i] - dot));
    }
  });
}

}  // namespace

void registerCudaSoftmax(Registry& r) {
  r.addCuda("Softmax", softmax);
  r.addCuda("SoftmaxGrad", softmaxGrad);
}

}  // namespace uc

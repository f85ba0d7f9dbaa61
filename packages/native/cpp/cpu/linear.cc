// y = x w^T + bias and its gradients, weights [out, in].
//
// x [M, K], w [N, K]: 2 M N K flops forward, twice that backward; compute bound from M of about 64 on.
// With the bf16 flag operands are rounded to bf16 (weights from their f32 masters), sums are f32, y is stored as bf16;
// gradients of weight and bias are f32 always.
#include "column_sums.h"
#include "gemm.h"
#include "fused.h"
#include "rows.h"

namespace uc {

namespace {

void checkShapes(const Tensor& x, const Tensor& w, const Tensor& bias) {
  if (w.dims.rank() != 2 || x.dims.last() != w.dims[1]) fail("x [..., K] and w [N, K] are needed");
  if (bias.data != nullptr && (!isFloat(bias.phys) || bias.count != w.dims[0])) fail("a float32 bias [N] is needed");
}

void biasGradient(Context& context, const Tensor& dy, const Tensor& out) {
  const int64_t n = dy.dims.last();
  sumOverRows(context, dy.dims.rows(), n, n, out.f32(), [&](int64_t begin, int64_t end, float* sums) {
    std::vector<float> buffer(n);
    for (int64_t row = begin; row < end; ++row) {
      const float* d = readRow(dy, row * n, n, buffer.data());
      for (int64_t i = 0; i < n; ++i) sums[i] += d[i];
    }
  });
}

}  // namespace

void registerLinear(Registry& registry) {
  // x, w, bias?; bf16 -> y
  registry.add("Linear", [](Context& context, Args& args, Results& results) {
    const Tensor x = args.floatTensor();
    const Tensor w = args.floatTensor();
    const Tensor bias = args.optionalTensor();
    checkShapes(x, w, bias);
    const Phys phys = args.flag() ? Phys::BF16 : promote(x.phys, w.phys);
    const int64_t rows = x.dims.rows(), inputs = w.dims[1], outputs = w.dims[0];
    const Tensor y = results.make(x.dims.withLast(outputs), phys);
    gemm(context, {1, rows, outputs, inputs}, phys, Matrix::of(x, rows, inputs),
         Matrix::of(w, outputs, inputs).transposed(), Matrix::of(y, rows, outputs),
         bias.data == nullptr ? nullptr : &bias);
  });

  // w, dy, phys of x; bf16 -> dx
  registry.add("LinearGradX", [](Context& context, Args& args, Results& results) {
    const Tensor w = args.floatTensor();
    const Tensor dy = args.floatTensor();
    const bool narrowX = args.flag();
    const Phys phys = args.flag() ? Phys::BF16 : promote(w.phys, dy.phys);
    if (w.dims.rank() != 2 || dy.dims.last() != w.dims[0]) fail("dy [..., N] and w [N, K] are needed");
    const int64_t rows = dy.dims.rows(), inputs = w.dims[1], outputs = w.dims[0];
    const Tensor dx = results.make(dy.dims.withLast(inputs), narrowX ? Phys::BF16 : Phys::F32);
    gemm(context, {1, rows, inputs, outputs}, phys, Matrix::of(dy, rows, outputs), Matrix::of(w, outputs, inputs),
         Matrix::of(dx, rows, inputs));
  });

  // x, dy; bf16 -> dw [N, K]
  registry.add("LinearGradWeight", [](Context& context, Args& args, Results& results) {
    const Tensor x = args.floatTensor();
    const Tensor dy = args.floatTensor();
    const Phys phys = args.flag() ? Phys::BF16 : promote(x.phys, dy.phys);
    const int64_t rows = x.dims.rows(), inputs = x.dims.last(), outputs = dy.dims.last();
    if (dy.dims.rows() != rows) fail("x and dy differ in the number of rows");
    const Tensor dw = results.make({outputs, inputs}, Phys::F32);
    // x is named without its slot: the order of an activation serves once and is not worth keeping.
    gemm(context, {1, outputs, inputs, rows}, phys, Matrix::of(dy, rows, outputs).transposed(),
         Matrix::rowMajor(x.data, x.phys, rows, inputs), Matrix::of(dw, outputs, inputs));
  });

  // dy -> db [N]
  registry.add("LinearGradBias", [](Context& context, Args& args, Results& results) {
    const Tensor dy = args.floatTensor();
    biasGradient(context, dy, results.make({dy.dims.last()}, Phys::F32));
  });
}

}  // namespace uc

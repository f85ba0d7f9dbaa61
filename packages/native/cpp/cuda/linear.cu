// y = x w^T + bias and its gradients, weights [out, in].
//
// x [M, K], w [N, K]: 2 M N K flops forward, twice that backward; compute bound from M of some hundreds on, below that bound by
// reading w. With the bf16 flag operands are rounded to bf16, sums are f32, y is stored as bf16; gradients of weight and bias
// are f32 always.
#include "column_sums.h"
#include "gemm.h"
#include "register.h"

namespace uc {

namespace {

int64_t rowsOf(const Tensor& x) { return x.dims.last() == 0 ? 0 : x.count / x.dims.last(); }

Dims withLast(Dims dims, int64_t last) {
  dims[dims.rank() - 1] = last;
  return dims;
}

// x, w, bias?; bf16 -> y
void linear(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const Tensor w = args.floatTensor();
  const Tensor bias = args.optionalTensor();
  if (w.dims.rank() != 2 || x.dims.last() != w.dims[1]) fail("x [..., K] and w [N, K] are needed");
  const Phys phys = args.flag() ? Phys::BF16 : promote(x.phys, w.phys);
  const int64_t rows = rowsOf(x), inputs = w.dims[1], outputs = w.dims[0];
  if (bias.data != nullptr && (!isFloat(bias.phys) || bias.count != outputs)) {
    fail("a bias of " + std::to_string(outputs) + " values is needed, got " + bias.dims.text());
  }
  const Tensor y = results.make(withLast(x.dims, outputs), phys);
  const DeviceConverted left(context, x, phys), right(context, w, phys);
  deviceGemm(context, {1, rows, outputs, inputs}, Matrix::rowMajor(left.tensor().data, phys, rows, inputs),
             Matrix::rowMajor(right.tensor().data, phys, outputs, inputs).transposed(),
             Matrix::rowMajor(y.data, phys, rows, outputs), bias.data == nullptr ? nullptr : &bias);
}

// w, dy; x is bf16, bf16 -> dx
void gradX(Context& context, Args& args, Results& results) {
  const Tensor w = args.floatTensor();
  const Tensor dy = args.floatTensor();
  const bool narrowX = args.flag();
  const Phys phys = args.flag() ? Phys::BF16 : promote(w.phys, dy.phys);
  if (w.dims.rank() != 2 || dy.dims.last() != w.dims[0]) fail("dy [..., N] and w [N, K] are needed");
  const int64_t rows = rowsOf(dy), inputs = w.dims[1], outputs = w.dims[0];
  const Tensor dx = results.make(withLast(dy.dims, inputs), narrowX ? Phys::BF16 : Phys::F32);
  const DeviceConverted left(context, dy, phys), right(context, w, phys);
  deviceGemm(context, {1, rows, inputs, outputs}, Matrix::rowMajor(left.tensor().data, phys, rows, outputs),
             Matrix::rowMajor(right.tensor().data, phys, outputs, inputs),
             Matrix::rowMajor(dx.data, dx.phys, rows, inputs));
}

// x, dy; bf16 -> dw [N, K]
void gradWeight(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const Tensor dy = args.floatTensor();
  const Phys phys = args.flag() ? Phys::BF16 : promote(x.phys, dy.phys);
  const int64_t rows = rowsOf(x), inputs = x.dims.last(), outputs = dy.dims.last();
  if (rowsOf(dy) != rows) fail("x and dy differ in the number of rows");
  const Tensor dw = results.make({outputs, inputs}, Phys::F32);
  if (rows == 0) return zeroBytes(context, dw);
  const DeviceConverted left(context, dy, phys), right(context, x, phys);
  deviceGemm(context, {1, outputs, inputs, rows}, Matrix::rowMajor(left.tensor().data, phys, rows, outputs).transposed(),
             Matrix::rowMajor(right.tensor().data, phys, rows, inputs),
             Matrix::rowMajor(dw.data, Phys::F32, outputs, inputs));
}

// dy -> db [N]
void gradBias(Context& context, Args& args, Results& results) {
  const Tensor dy = args.floatTensor();
  const int64_t n = dy.dims.last();
  const Floats upstream(dy);
  columnSums(context, rowsOf(dy), n, results.make({n}, Phys::F32).f32(),
             [=] __device__(int64_t row, int64_t i) { return upstream[row * n + i]; });
}

}  // namespace

void registerCudaLinear(Registry& r) {
  r.addCuda("Linear", linear);
  r.addCuda("LinearGradX", gradX);
  r.addCuda("LinearGradWeight", gradWeight);
  r.addCuda("LinearGradBias", gradBias);
}

}  // namespace uc

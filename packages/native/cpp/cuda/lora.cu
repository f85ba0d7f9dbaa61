// LoraLinear: y = x w^T + bias + scale (x a^T) b^T with a frozen base, and the gradients of x, a and b.
//
// x [M, K], w [N, K], a [R, K], b [N, R]: 2 M N K + 2 M R (K + N) flops forward; compute bound. The frozen weight is used where it
// lies when it has the computing type. The [M, R] products are computed again in the backward pass instead of being kept.
#include "gemm.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

int64_t rowsOf(const Tensor& t) { return t.dims.last() == 0 ? 0 : t.count / t.dims.last(); }

Dims withLast(Dims dims, int64_t last) {
  dims[dims.rank() - 1] = last;
  return dims;
}

void checkAdapter(const Tensor& a, const Tensor& b) {
  if (a.dims.rank() != 2 || b.dims.rank() != 2 || b.dims[1] != a.dims[0]) fail("a [R, K] and b [N, R] are needed");
}

void checkBase(const Tensor& w, int64_t outputs, int64_t inputs) {
  if (w.dims.rank() != 2 || w.dims[0] != outputs || w.dims[1] != inputs) {
    fail("a base weight [" + std::to_string(outputs) + "," + std::to_string(inputs) + "] is needed");
  }
}

Matrix matrix(const Tensor& t, int64_t rows, int64_t columns) { return Matrix::rowMajor(t.data, t.phys, rows, columns); }

void putScaled(Context& context, const float* values, float scale, const Tensor& to) {
  const Floats out(to);
  forEach(context, to.count, [=] __device__(int64_t i) { out.put(i, values[i] * scale); });
}

// scale * left right, stored in `phys`: the small [M, R] product between the two factors.
class Middle {
 public:
  Middle(Context& context, Phys phys, const GemmSize& size, const Matrix& left, const Matrix& right, float scale)
      : memory_(context, std::max<int64_t>(size.m * size.n, 1) * 2) {
    // The f32 product lies in the first half, what is stored in the second.
    float* wide = memory_.data();
    tensor_.data = wide + size.m * size.n;
    tensor_.phys = phys;
    tensor_.count = size.m * size.n;
    tensor_.slot = 0;
    deviceGemm(context, size, left, right, Matrix::rowMajor(wide, Phys::F32, size.m, size.n));
    putScaled(context, wide, scale, tensor_);
  }
  const Tensor& tensor() const { return tensor_; }

 private:
  DeviceScratch<float> memory_;
  Tensor tensor_;
};

// x, w, bias?, a, b; scale; bf16 -> y
void forward(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const Tensor w = args.floatTensor();
  const Tensor bias = args.optionalTensor();
  const Tensor a = args.floatTensor();
  const Tensor b = args.floatTensor();
  const float scale = static_cast<float>(args.real());
  const Phys phys = args.flag() ? Phys::BF16 : promote(x.phys, w.phys);
  checkAdapter(a, b);
  const int64_t rows = rowsOf(x), inputs = a.dims[1], outputs = b.dims[0], rank = a.dims[0];
  if (x.dims.last() != inputs) fail("x [..., K] and a [R, K] are needed");
  checkBase(w, outputs, inputs);
  if (bias.data != nullptr && (!isFloat(bias.phys) || bias.count != outputs)) {
    fail("a bias of " + std::to_string(outputs) + " values is needed, got " + bias.dims.text());
  }
  const Tensor y = results.make(withLast(x.dims, outputs), phys);
  if (y.count == 0) return;
  const DeviceConverted input(context, x, phys), base(context, w, phys), down(context, a, phys), up(context, b, phys);
  const Matrix in = matrix(input.tensor(), rows, inputs), out = matrix(y, rows, outputs);
  deviceGemm(context, {1, rows, outputs, inputs}, in, matrix(base.tensor(), outputs, inputs).transposed(), out,
             bias.data == nullptr ? nullptr : &bias);
  if (rank == 0) return;
  const Middle middle(context, phys, {1, rows, rank, inputs}, in, matrix(down.tensor(), rank, inputs).transposed(), scale);
  deviceGemm(context, {1, rows, outputs, rank}, matrix(middle.tensor(), rows, rank),
             matrix(up.tensor(), outputs, rank).transposed(), out, nullptr, true);
}

// dy, w, a, b; scale; x is bf16, bf16 -> dx = dy w + scale (dy b) a
void gradX(Context& context, Args& args, Results& results) {
  const Tensor dy = args.floatTensor();
  const Tensor w = args.floatTensor();
  const Tensor a = args.floatTensor();
  const Tensor b = args.floatTensor();
  const float scale = static_cast<float>(args.real());
  const Phys stored = args.flag() ? Phys::BF16 : Phys::F32;
  const Phys phys = args.flag() ? Phys::BF16 : promote(dy.phys, w.phys);
  checkAdapter(a, b);
  const int64_t rows = rowsOf(dy), inputs = a.dims[1], outputs = b.dims[0], rank = a.dims[0];
  if (dy.dims.last() != outputs) fail("dy [..., N] and b [N, R] are needed");
  checkBase(w, outputs, inputs);
  const Tensor dx = results.make(withLast(dy.dims, inputs), stored);
  if (dx.count == 0) return;
  const DeviceConverted upstream(context, dy, phys), base(context, w, phys), down(context, a, phys), up(context, b, phys);
  const Matrix in = matrix(upstream.tensor(), rows, outputs), out = matrix(dx, rows, inputs);
  deviceGemm(context, {1, rows, inputs, outputs}, in, matrix(base.tensor(), outputs, inputs), out);
  if (rank == 0) return;
  const Middle middle(context, phys, {1, rows, rank, outputs}, in, matrix(up.tensor(), outputs, rank), scale);
  deviceGemm(context, {1, rows, inputs, rank}, matrix(middle.tensor(), rows, rank), matrix(down.tensor(), rank, inputs), out,
             nullptr, true);
}

// dy, x, b; scale; bf16 -> da = scale (dy b)^T x
void gradA(Context& context, Args& args, Results& results) {
  const Tensor dy = args.floatTensor();
  const Tensor x = args.floatTensor();
  const Tensor b = args.floatTensor();
  const float scale = static_cast<float>(args.real());
  const Phys phys = args.flag() ? Phys::BF16 : promote(dy.phys, x.phys);
  if (b.dims.rank() != 2 || dy.dims.last() != b.dims[0] || rowsOf(dy) != rowsOf(x)) {
    fail("dy [..., N], x [..., K] and b [N, R] are needed");
  }
  const int64_t rows = rowsOf(x), inputs = x.dims.last(), outputs = b.dims[0], rank = b.dims[1];
  const Tensor da = results.make({rank, inputs}, Phys::F32);
  if (rows == 0 || da.count == 0) return zeroBytes(context, da);
  const DeviceConverted upstream(context, dy, phys), input(context, x, phys), up(context, b, phys);
  const Middle middle(context, phys, {1, rows, rank, outputs}, matrix(upstream.tensor(), rows, outputs),
                      matrix(up.tensor(), outputs, rank), scale);
  deviceGemm(context, {1, rank, inputs, rows}, matrix(middle.tensor(), rows, rank).transposed(),
             matrix(input.tensor(), rows, inputs), matrix(da, rank, inputs));
}

// dy, x, a; scale; bf16 -> db = scale dy^T (x a^T)
void gradB(Context& context, Args& args, Results& results) {
  const Tensor dy = args.floatTensor();
  const Tensor x = args.floatTensor();
  const Tensor a = args.floatTensor();
  const float scale = static_cast<float>(args.real());
  const Phys phys = args.flag() ? Phys::BF16 : promote(dy.phys, x.phys);
  if (a.dims.rank() != 2 || x.dims.last() != a.dims[1] || rowsOf(dy) != rowsOf(x)) {
    fail("dy [..., N], x [..., K] and a [R, K] are needed");
  }
  const int64_t rows = rowsOf(x), inputs = a.dims[1], outputs = dy.dims.last(), rank = a.dims[0];
  const Tensor db = results.make({outputs, rank}, Phys::F32);
  if (rows == 0 || db.count == 0) return zeroBytes(context, db);
  const DeviceConverted upstream(context, dy, phys), input(context, x, phys), down(context, a, phys);
  const Middle middle(context, phys, {1, rows, rank, inputs}, matrix(input.tensor(), rows, inputs),
                      matrix(down.tensor(), rank, inputs).transposed(), scale);
  deviceGemm(context, {1, outputs, rank, rows}, matrix(upstream.tensor(), rows, outputs).transposed(),
             matrix(middle.tensor(), rows, rank), matrix(db, outputs, rank));
}

}  // namespace

void registerCudaLora(Registry& r) {
  r.addCuda("LoraLinear", forward);
  r.addCuda("LoraLinearGradX", gradX);
  r.addCuda("LoraLinearGradA", gradA);
  r.addCuda("LoraLinearGradB", gradB);
}

}  // namespace uc

// LoraLinear: y = x w^T + bias + scale (x a^T) b^T with a frozen base, and the gradients of x, a and b.
//
// x [M, K], w [N, K], a [R, K], b [N, R]: 2 M N K + 2 M R (K + N) flops forward; compute bound. The frozen weight is read in
// the type it is stored in: in bf16 mode a bf16 weight is used where it lies. With the bf16 flag the other operands are
// rounded to bf16, sums are f32, y is stored as bf16; gradients of a and b are f32 always. The [M, R] products are cheap and
// are computed again in the backward pass instead of being kept.
#include "convert.h"
#include "fused.h"
#include "gemm_sum.h"

namespace uc {

namespace {

struct Size {
  int64_t rows, inputs, outputs, rank;
};

Size sizeOf(const Tensor& x, const Tensor& a, const Tensor& b) {
  if (a.dims.rank() != 2 || b.dims.rank() != 2 || a.dims[1] != x.dims.last() || b.dims[1] != a.dims[0]) {
    fail("x [..., K], a [R, K] and b [N, R] are needed");
  }
  return {x.dims.rows(), a.dims[1], b.dims[0], a.dims[0]};
}

void checkBase(const Tensor& w, int64_t outputs, int64_t inputs) {
  if (w.dims.rank() != 2 || w.dims[0] != outputs || w.dims[1] != inputs) {
    fail("a base weight [" + std::to_string(outputs) + "," + std::to_string(inputs) + "] is needed");
  }
}

// An activation as the right operand: its order serves one product and is not worth keeping.
Matrix activation(const Tensor& t, int64_t rows, int64_t columns) {
  return Matrix::rowMajor(t.data, t.phys, rows, columns);
}

void zero(const Tensor& t) { std::memset(t.data, 0, static_cast<size_t>(t.bytes())); }

// scale * left right, stored in `phys`: the small [M, R] product between the two factors.
class Middle {
 public:
  Middle(Context& context, Phys phys, const GemmSize& size, const Matrix& left, const Matrix& right, float scale)
      : wide_(context, std::max<int64_t>(size.m * size.n, 1)) {
    tensor_.data = wide_.data();
    tensor_.count = size.m * size.n;
    tensor_.dims = {size.m, size.n};
    const Tensor product = tensor_;
    gemm(context, size, phys, left, right, Matrix::of(product, size.m, size.n));
    float* values = wide_.data();
    parallelFor(product.count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) values[i] *= scale;
    });
    stored_.emplace(context, product, phys);
  }
  const Tensor& tensor() const { return stored_->tensor(); }

 private:
  Scratch<float> wide_;
  Tensor tensor_;
  std::optional<Converted> stored_;
};

}  // namespace

void registerLora(Registry& registry) {
  // x, w, bias?, a, b; scale; bf16 -> y
  registry.add("LoraLinear", [](Context& context, Args& args, Results& results) {
    const Tensor x = args.floatTensor();
    const Tensor w = args.floatTensor();
    const Tensor bias = args.optionalTensor();
    const Tensor a = args.floatTensor();
    const Tensor b = args.floatTensor();
    const float scale = static_cast<float>(args.real());
    const Phys phys = args.flag() ? Phys::BF16 : promote(x.phys, w.phys);
    const Size s = sizeOf(x, a, b);
    checkBase(w, s.outputs, s.inputs);
    if (bias.data != nullptr && (!isFloat(bias.phys) || bias.count != s.outputs)) {
      fail("a bias of " + std::to_string(s.outputs) + " values is needed, got " + bias.dims.text());
    }
    const Tensor y = results.make(x.dims.withLast(s.outputs), phys);
    if (y.count == 0) return;
    const Converted input(context, x, phys);
    const Matrix rows = Matrix::of(input.tensor(), s.rows, s.inputs);
    const Middle middle(context, phys, {1, s.rows, s.rank, s.inputs}, rows, Matrix::of(a, s.rank, s.inputs).transposed(),
                        scale);
    const Product products[] = {
        {rows, Matrix::of(w, s.outputs, s.inputs).transposed(), s.inputs},
        {Matrix::of(middle.tensor(), s.rows, s.rank), Matrix::of(b, s.outputs, s.rank).transposed(), s.rank},
    };
    gemmSum(context, s.rows, s.outputs, phys, products, Matrix::of(y, s.rows, s.outputs),
            bias.data == nullptr ? nullptr : &bias);
  });

  // dy, w, a, b; scale; x is bf16, bf16 -> dx = dy w + scale (dy b) a
  registry.add("LoraLinearGradX", [](Context& context, Args& args, Results& results) {
    const Tensor dy = args.floatTensor();
    const Tensor w = args.floatTensor();
    const Tensor a = args.floatTensor();
    const Tensor b = args.floatTensor();
    const float scale = static_cast<float>(args.real());
    const Phys stored = args.flag() ? Phys::BF16 : Phys::F32;
    const Phys phys = args.flag() ? Phys::BF16 : promote(dy.phys, w.phys);
    if (a.dims.rank() != 2 || b.dims.rank() != 2 || b.dims[1] != a.dims[0] || dy.dims.last() != b.dims[0]) {
      fail("dy [..., N], a [R, K] and b [N, R] are needed");
    }
    const Size s = {dy.dims.rows(), a.dims[1], b.dims[0], a.dims[0]};
    checkBase(w, s.outputs, s.inputs);
    const Tensor dx = results.make(dy.dims.withLast(s.inputs), stored);
    if (dx.count == 0) return;
    const Converted upstream(context, dy, phys);
    const Matrix rows = Matrix::of(upstream.tensor(), s.rows, s.outputs);
    const Middle middle(context, phys, {1, s.rows, s.rank, s.outputs}, rows, Matrix::of(b, s.outputs, s.rank), scale);
    const Product products[] = {
        {rows, Matrix::of(w, s.outputs, s.inputs), s.outputs},
        {Matrix::of(middle.tensor(), s.rows, s.rank), Matrix::of(a, s.rank, s.inputs), s.rank},
    };
    gemmSum(context, s.rows, s.inputs, phys, products, Matrix::of(dx, s.rows, s.inputs));
  });

  // dy, x, b; scale; bf16 -> da = scale (dy b)^T x
  registry.add("LoraLinearGradA", [](Context& context, Args& args, Results& results) {
    const Tensor dy = args.floatTensor();
    const Tensor x = args.floatTensor();
    const Tensor b = args.floatTensor();
    const float scale = static_cast<float>(args.real());
    const Phys phys = args.flag() ? Phys::BF16 : promote(dy.phys, x.phys);
    if (b.dims.rank() != 2 || dy.dims.last() != b.dims[0] || dy.dims.rows() != x.dims.rows()) {
      fail("dy [..., N], x [..., K] and b [N, R] are needed");
    }
    const Size s = {x.dims.rows(), x.dims.last(), b.dims[0], b.dims[1]};
    const Tensor da = results.make({s.rank, s.inputs}, Phys::F32);
    if (s.rows == 0) zero(da);
    if (s.rows == 0 || da.count == 0) return;
    const Middle middle(context, phys, {1, s.rows, s.rank, s.outputs}, Matrix::of(dy, s.rows, s.outputs),
                        Matrix::of(b, s.outputs, s.rank), scale);
    gemm(context, {1, s.rank, s.inputs, s.rows}, phys, Matrix::of(middle.tensor(), s.rows, s.rank).transposed(),
         activation(x, s.rows, s.inputs), Matrix::of(da, s.rank, s.inputs));
  });

  // dy, x, a; scale; bf16 -> db = scale dy^T (x a^T)
  registry.add("LoraLinearGradB", [](Context& context, Args& args, Results& results) {
    const Tensor dy = args.floatTensor();
    const Tensor x = args.floatTensor();
    const Tensor a = args.floatTensor();
    const float scale = static_cast<float>(args.real());
    const Phys phys = args.flag() ? Phys::BF16 : promote(dy.phys, x.phys);
    if (a.dims.rank() != 2 || x.dims.last() != a.dims[1] || dy.dims.rows() != x.dims.rows()) {
      fail("dy [..., N], x [..., K] and a [R, K] are needed");
    }
    const Size s = {x.dims.rows(), a.dims[1], dy.dims.last(), a.dims[0]};
    const Tensor db = results.make({s.outputs, s.rank}, Phys::F32);
    if (s.rows == 0) zero(db);
    if (s.rows == 0 || db.count == 0) return;
    const Middle middle(context, phys, {1, s.rows, s.rank, s.inputs}, Matrix::of(x, s.rows, s.inputs),
                        Matrix::of(a, s.rank, s.inputs).transposed(), scale);
    gemm(context, {1, s.outputs, s.rank, s.rows}, phys, Matrix::of(dy, s.rows, s.outputs).transposed(),
         Matrix::of(middle.tensor(), s.rows, s.rank), Matrix::of(db, s.outputs, s.rank));
  });
}

}  // namespace uc

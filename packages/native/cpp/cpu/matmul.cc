// BatchMatMul: the product of two stacks of matrices with broadcast batch dimensions and optional transposes.
#include "broadcast.h"
#include "gemm.h"
#include "register.h"

namespace uc {

namespace {

Matrix matrixOf(const Tensor& t, bool transpose) {
  const int64_t rows = t.dims[t.dims.rank() - 2];
  const int64_t cols = t.dims[t.dims.rank() - 1];
  const Matrix m = Matrix::rowMajor(t.data, t.phys, rows, cols);
  return transpose ? m.transposed() : m;
}

Dims batchDims(const Dims& dims) {
  Dims batch;
  for (int i = 0; i + 2 < dims.rank(); ++i) batch.push(dims[i]);
  return batch;
}

// Index of the matrix of a stack of shape `own` that meets matrix `index` of the broadcast stack `full`.
int64_t stackIndex(const Dims& own, const Dims& full, int64_t index) {
  int64_t at = 0;
  int64_t stride = 1;
  for (int i = full.rank() - 1, j = own.rank() - 1; j >= 0; --i, --j) {
    if (own[j] != 1) at += index % full[i] * stride;
    index /= full[i];
    stride *= own[j];
  }
  return at;
}

Matrix at(Matrix m, int64_t offset) {
  m.data = static_cast<char*>(m.data) + offset * static_cast<int64_t>(bytesOf(m.phys));
  return m;
}

void product(Context& context, GemmSize size, Phys phys, const Dims& batchA, const Dims& batchB, const Dims& batch, Matrix a,
             Matrix b, Matrix c, const Tensor* bias) {
  const int64_t countA = batchA.count();
  const int64_t countB = batchB.count();
  size.batch = batch.count();
  if (countB == 1 && size.batch > 1 && countA == size.batch && a.colStride == 1) {
    // One B for the whole stack: a single tall product.
    size.m *= size.batch;
    size.batch = 1;
    gemm(context, size, phys, a, b, c, bias);
  } else if ((countA == size.batch || countA == 1) && (countB == size.batch || countB == 1)) {
    if (countA == 1) a.batchStride = 0;
    if (countB == 1) b.batchStride = 0;
    gemm(context, size, phys, a, b, c, bias);
  } else {
    const int64_t count = size.batch;
    size.batch = 1;
    for (int64_t i = 0; i < count; ++i) {
      gemm(context, size, phys, at(a, stackIndex(batchA, batch, i) * a.batchStride),
           at(b, stackIndex(batchB, batch, i) * b.batchStride), at(c, i * c.batchStride), bias);
    }
  }
}

}  // namespace

void registerMatMul(Registry& registry) {
  // a, b, bias?, transposeA, transposeB, bf16 (compute in bf16 whatever the operands) -> [..., m, n]
  registry.add("BatchMatMul", [](Context& context, Args& args, Results& results) {
    Tensor a = args.floatTensor();
    Tensor b = args.floatTensor();
    const Tensor bias = args.optionalTensor();
    const bool transposeA = args.flag();
    const bool transposeB = args.flag();
    const bool wantBf16 = args.flag();
    if (a.dims.rank() < 2 || b.dims.rank() < 2) fail("operands of at least two dimensions are needed");
    const Phys phys = wantBf16 ? Phys::BF16 : promote(a.phys, b.phys);
    const Matrix ma = matrixOf(a, transposeA);
    const Matrix mb = matrixOf(b, transposeB);
    const int ra = a.dims.rank();
    const int rb = b.dims.rank();
    GemmSize size;
    size.m = a.dims[transposeA ? ra - 1 : ra - 2];
    size.k = a.dims[transposeA ? ra - 2 : ra - 1];
    size.n = b.dims[transposeB ? rb - 2 : rb - 1];
    const int64_t inner = b.dims[transposeB ? rb - 1 : rb - 2];
    if (inner != size.k) {
      fail("inner dimensions " + std::to_string(size.k) + " and " + std::to_string(inner) + " differ (transposeA " +
           std::to_string(transposeA) + ", transposeB " + std::to_string(transposeB) + ")");
    }
    if (bias.data != nullptr && (!isFloat(bias.phys) || bias.count != size.n)) {
      fail("a bias of " + std::to_string(size.n) + " values is needed, got " + bias.dims.text());
    }
    const Dims batchA = batchDims(a.dims);
    const Dims batchB = batchDims(b.dims);
    const Dims batch = broadcastShapes(batchA, batchB);
    Dims shape = batch;
    shape.push(size.m);
    shape.push(size.n);
    const Tensor out = results.make(shape, phys);
    if (out.count == 0) return;
    if (size.k == 0) {
      std::memset(out.data, 0, static_cast<size_t>(out.bytes()));
      if (bias.data != nullptr) fail("a product over an empty dimension has no bias");
      return;
    }
    const Matrix mc = Matrix::rowMajor(out.data, out.phys, size.m, size.n);
    product(context, size, phys, batchA, batchB, batch, ma, mb, mc, bias.data == nullptr ? nullptr : &bias);
  });
}

}  // namespace uc

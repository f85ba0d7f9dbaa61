// The arguments of BatchMatMul, checked, and the products that they come to.
#pragma once

#include "../cpu/broadcast.h"
#include "../cpu/gemm.h"
#include "../runtime/args.h"

namespace uc {

inline Matrix matrixOf(const Tensor& t, bool transpose) {
  const int64_t rows = t.dims[t.dims.rank() - 2];
  const int64_t cols = t.dims[t.dims.rank() - 1];
  const Matrix m = Matrix::rowMajor(t.data, t.phys, rows, cols);
  return transpose ? m.transposed() : m;
}

inline Dims batchDims(const Dims& dims) {
  Dims batch;
  for (int i = 0; i + 2 < dims.rank(); ++i) batch.push(dims[i]);
  return batch;
}

// Index of the matrix of a stack of shape `own` that meets matrix `index` of the broadcast stack `full`.
inline int64_t stackIndex(const Dims& own, const Dims& full, int64_t index) {
  int64_t at = 0;
  int64_t stride = 1;
  for (int i = full.rank() - 1, j = own.rank() - 1; j >= 0; --i, --j) {
    if (own[j] != 1) at += index % full[i] * stride;
    index /= full[i];
    stride *= own[j];
  }
  return at;
}

inline Matrix at(Matrix m, int64_t offset) {
  m.data = static_cast<char*>(m.data) + offset * static_cast<int64_t>(bytesOf(m.phys));
  return m;
}

struct MatMulArguments {
  Tensor a, b, bias;
  bool transposeA, transposeB;
  Phys phys;      // of the operands and the result
  GemmSize size;  // of one product
  Dims batchA, batchB, batch, shape;
};

// a, b, bias?, transposeA, transposeB, bf16 (compute in bf16 whatever the operands)
inline MatMulArguments readMatMul(Args& args) {
  MatMulArguments m;
  m.a = args.floatTensor();
  m.b = args.floatTensor();
  m.bias = args.optionalTensor();
  m.transposeA = args.flag();
  m.transposeB = args.flag();
  m.phys = args.flag() ? Phys::BF16 : promote(m.a.phys, m.b.phys);
  const int ra = m.a.dims.rank(), rb = m.b.dims.rank();
  if (ra < 2 || rb < 2) fail("operands of at least two dimensions are needed");
  m.size.m = m.a.dims[m.transposeA ? ra - 1 : ra - 2];
  m.size.k = m.a.dims[m.transposeA ? ra - 2 : ra - 1];
  m.size.n = m.b.dims[m.transposeB ? rb - 2 : rb - 1];
  const int64_t inner = m.b.dims[m.transposeB ? rb - 1 : rb - 2];
  if (inner != m.size.k) {
    fail("inner dimensions " + std::to_string(m.size.k) + " and " + std::to_string(inner) + " differ (transposeA " +
         std::to_string(m.transposeA) + ", transposeB " + std::to_string(m.transposeB) + ")");
  }
  if (m.bias.data != nullptr && (!isFloat(m.bias.phys) || m.bias.count != m.size.n)) {
    fail("a bias of " + std::to_string(m.size.n) + " values is needed, got " + m.bias.dims.text());
  }
  m.batchA = batchDims(m.a.dims);
  m.batchB = batchDims(m.b.dims);
  m.batch = broadcastShapes(m.batchA, m.batchB);
  m.shape = m.batch;
  m.shape.push(m.size.m);
  m.shape.push(m.size.n);
  if (m.size.k == 0 && m.bias.data != nullptr && m.shape.count() > 0) {
    fail("a product over an empty dimension has no bias");
  }
  return m;
}

// Calls gemm(size, a, b, c) for the products that make up the whole; `left` and `right` are the operands in m.phys.
template <class F>
void forEachProduct(const MatMulArguments& m, const Tensor& left, const Tensor& right, const Tensor& out, const F& gemm) {
  Matrix a = matrixOf(left, m.transposeA), b = matrixOf(right, m.transposeB);
  const Matrix c = Matrix::rowMajor(out.data, out.phys, m.size.m, m.size.n);
  const int64_t countA = m.batchA.count(), countB = m.batchB.count();
  GemmSize size = m.size;
  size.batch = m.batch.count();
  if (countB == 1 && size.batch > 1 && countA == size.batch && a.colStride == 1) {
    // One B for the whole stack: a single tall product.
    size.m *= size.batch;
    size.batch = 1;
    gemm(size, a, b, c);
  } else if ((countA == size.batch || countA == 1) && (countB == size.batch || countB == 1)) {
    if (countA == 1) a.batchStride = 0;
    if (countB == 1) b.batchStride = 0;
    gemm(size, a, b, c);
  } else {
    const int64_t count = size.batch;
    size.batch = 1;
    for (int64_t i = 0; i < count; ++i) {
      gemm(size, at(a, stackIndex(m.batchA, m.batch, i) * a.batchStride),
           at(b, stackIndex(m.batchB, m.batch, i) * b.batchStride), at(c, i * c.batchStride));
    }
  }
}

}  // namespace uc

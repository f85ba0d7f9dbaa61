#include "gemm_sum.h"

#include "convert.h"
#include "gemm_few_rows.h"
#include "gemm_library.h"
#include "gemm_tiled.h"

namespace uc {

namespace {

// Below this many multiply-adds per matrix the library's batched product is faster than ordering the operands.
constexpr int64_t kTiledWork = int64_t{1} << 20;
// Products of few rows read B once: reordering it first would cost more than the product.
constexpr int64_t kTiledRows = 16;

int64_t elements(const Matrix& m, int64_t batch, int64_t rows, int64_t cols) {
  return (m.batchStride == 0 ? 1 : batch) * rows * cols;
}

Converted converted(Context& context, const Matrix& m, int64_t count, Phys phys) {
  Tensor t;
  t.data = m.data;
  t.phys = m.phys;
  t.count = count;
  return Converted(context, t, phys);
}

Matrix withData(Matrix m, const Tensor& values) {
  m.data = values.data;
  m.phys = values.phys;
  return m;
}

void viaLibrary(Context& context, const GemmSize& size, Phys compute, const Matrix& a, const Matrix& b, const Matrix& c,
                const Tensor* bias, bool accumulate) {
  const Converted left = converted(context, a, elements(a, size.batch, size.m, size.k), compute);
  const Converted right = converted(context, b, elements(b, size.batch, size.k, size.n), compute);
  libraryGemm(context, size, withData(a, left.tensor()), withData(b, right.tensor()), c, bias, accumulate);
}

Matrix at(Matrix m, int64_t index) {
  m.data = static_cast<char*>(m.data) + index * m.batchStride * static_cast<int64_t>(bytesOf(m.phys));
  if (index > 0) m.slot = -1;
  return m;
}

}  // namespace

void gemm(Context& context, const GemmSize& size, Phys compute, const Matrix& a, const Matrix& b, const Matrix& c,
          const Tensor* bias, bool accumulate) {
  if (size.batch == 0 || size.m == 0 || size.n == 0) return;
  if (fewRowsComputes(size, compute, a, b, c)) return fewRowsGemm(context, size, compute, a, b, c, bias, accumulate);
  const bool large = size.m >= kTiledRows && size.m * size.n * size.k >= kTiledWork;
  // Rounding B to another type is a copy anyway, and one that may be kept.
  const bool weight = b.slot >= 0 && (b.phys != compute || hasKeptPanels(context, compute, b, size.k, size.n));
  if (tiledGemmComputes(compute) && (large || weight)) {
    for (int64_t i = 0; i < size.batch; ++i) {
      const Product one = {at(a, i), at(b, i), size.k};
      tiledGemm(context, size.m, size.n, compute, {&one, 1}, at(c, i), bias, accumulate);
    }
    return;
  }
  viaLibrary(context, size, compute, a, b, c, bias, accumulate);
}

void gemmSum(Context& context, int64_t m, int64_t n, Phys compute, std::span<const Product> products, const Matrix& c,
             const Tensor* bias) {
  if (m == 0 || n == 0) return;
  if (tiledGemmComputes(compute) && m >= kTiledRows && m * n * products[0].k >= kTiledWork) {
    return tiledGemm(context, m, n, compute, products, c, bias, false);
  }
  for (size_t i = 0; i < products.size(); ++i) {
    const Product& p = products[i];
    gemm(context, {1, m, n, p.k}, compute, p.a, p.b, c, i == 0 ? bias : nullptr, i > 0);
  }
}

}  // namespace uc

// Every weight is read once, kWeights rows at a time that stay in the first cache while all rows of A meet them; sums over
// the inputs are kept in lanes and joined at the end.
//
// 2 m n k flops, n k weights: memory bound for one row, compute bound from about 8 on.
#include "gemm_few_rows.h"

#include "../runtime/parallel.h"
#include "lanes.h"

namespace uc {

namespace {

constexpr int64_t kFewRows = 16;
// Multiply-adds that count as one element of the work for which other threads are woken.
constexpr int64_t kWorkGrain = 8;
constexpr int kWeights = 4, kRows = 4;

struct Operands {
  const float *a, *b;
  float* c;
  int64_t k, aStride, bStride, cStride;
  const float* bias;
  bool accumulate;
};

template <int Rows, int Weights>
void block(const Operands& o, int64_t row, int64_t column) {
  const float* a = o.a + row * o.aStride;
  const float* b = o.b + column * o.bStride;
  Lanes sums[Rows][Weights] = {};
  const auto add = [&](const auto& load) {
    Lanes left[Rows];
    for (int i = 0; i < Rows; ++i) left[i] = load(a + i * o.aStride);
    for (int j = 0; j < Weights; ++j) {
      const Lanes weight = load(b + j * o.bStride);
      for (int i = 0; i < Rows; ++i) sums[i][j] += left[i] * weight;
    }
  };
  eachVector(0, o.k, [&](int64_t, const auto& load, const auto&) { add(load); });
  for (int i = 0; i < Rows; ++i) {
    float* c = o.c + (row + i) * o.cStride + column;
    for (int j = 0; j < Weights; ++j) {
      float sum = sumLanes(sums[i][j]);
      if (o.bias != nullptr) sum += o.bias[column + j];
      c[j] = o.accumulate ? c[j] + sum : sum;
    }
  }
}

template <int Weights>
void columns(const Operands& o, int64_t rows, int64_t column) {
  int64_t row = 0;
  for (; row + kRows <= rows; row += kRows) block<kRows, Weights>(o, row, column);
  for (; row < rows; ++row) block<1, Weights>(o, row, column);
}

}  // namespace

bool fewRowsComputes(const GemmSize& size, Phys compute, const Matrix& a, const Matrix& b, const Matrix& c, const Tensor* bias) {
  const bool wide = compute == Phys::F32 && a.phys == Phys::F32 && b.phys == Phys::F32 && c.phys == Phys::F32 &&
                    (bias == nullptr || bias->phys == Phys::F32);
  return wide && size.batch == 1 && size.m <= kFewRows && a.colStride == 1 && b.rowStride == 1 && c.colStride == 1;
}

void fewRowsGemm(const GemmSize& size, const Matrix& a, const Matrix& b, const Matrix& c, const Tensor* bias, bool accumulate) {
  const Operands o = {static_cast<const float*>(a.data), static_cast<const float*>(b.data), static_cast<float*>(c.data),
                      size.k, a.rowStride, b.colStride, c.rowStride, bias == nullptr ? nullptr : bias->f32(), accumulate};
  parallelFor(size.n, size.m * size.k / kWorkGrain, [&](int64_t begin, int64_t end) {
    int64_t column = begin;
    for (; column + kWeights <= end; column += kWeights) columns<kWeights>(o, size.m, column);
    for (; column < end; ++column) columns<1>(o, size.m, column);
  }, kWeights);
}

}  // namespace uc

// Every weight is read once, kWeights rows at a time that stay in the first cache while all rows of A meet them; sums over
// the inputs are kept in lanes and joined at the end. A weight in bf16 is widened in registers, or multiplied in pairs where
// the product is one of bf16 and the processor has that.
//
// 2 m n k flops, n k weights: memory bound for one row, compute bound from about 8 on.
#include "gemm_few_rows.h"

#include "../runtime/parallel.h"
#include "convert.h"
#include "lanes.h"

namespace uc {

namespace {

constexpr int64_t kFewRows = 16;
// Multiply-adds that count as one element of the work for which other threads are woken.
constexpr int64_t kWorkGrain = 8;
constexpr int kWeights = 4, kRows = 4;

// How kStep inputs are read and added to a sum: in f32, whatever type the weights have.
template <class Stored>
struct WideSteps {
  using Left = float;
  using Weight = Stored;
  static constexpr int64_t kStep = kLanes;

  template <class T>
  static Lanes load(const T* p) {
    return loadLanes(p);
  }
  template <class T>
  static Lanes load(const T* p, int64_t n) {
    return loadPart(p, n);
  }
  static Lanes add(Lanes sum, Lanes left, Lanes weight) { return sum + left * weight; }
};

#ifdef __AVX512BF16__
// Pairs of bf16, whose products and sums are f32.
struct PairSteps {
  using Left = bf16;
  using Weight = bf16;
  static constexpr int64_t kStep = 2 * kLanes;

  static __m512i load(const bf16* p) { return _mm512_loadu_si512(p); }
  static __m512i load(const bf16* p, int64_t n) { return _mm512_maskz_loadu_epi16((__mmask32{1} << n) - 1, p); }
  static Lanes add(Lanes sum, __m512i left, __m512i weight) {
    return (Lanes)_mm512_dpbf16_ps((__m512)sum, (__m512bh)left, (__m512bh)weight);
  }
};
using NarrowSteps = PairSteps;
#else
using NarrowSteps = WideSteps<bf16>;
#endif

template <class Steps>
struct Operands {
  const typename Steps::Left* a;
  const typename Steps::Weight* b;
  Matrix c;
  int64_t k, aStride, bStride;
  const Tensor* bias;
  bool accumulate;

  // Puts a sum over the inputs into row i, column j.
  void store(int64_t i, int64_t j, float sum) const {
    if (bias != nullptr) sum += bias->phys == Phys::F32 ? bias->f32()[j] : toFloat(bias->b16()[j]);
    const int64_t at = i * c.rowStride + j;
    if (c.phys == Phys::F32) {
      float* to = static_cast<float*>(c.data) + at;
      *to = accumulate ? *to + sum : sum;
    } else {
      bf16* to = static_cast<bf16*>(c.data) + at;
      *to = toBf16(accumulate ? toFloat(*to) + sum : sum);
    }
  }
};

template <class Steps, int Rows, int Weights>
void block(const Operands<Steps>& o, int64_t row, int64_t column) {
  const auto* a = o.a + row * o.aStride;
  const auto* b = o.b + column * o.bStride;
  Lanes sums[Rows][Weights] = {};
  const auto step = [&](int64_t at, auto... part) {
    decltype(Steps::load(a)) left[Rows];
    for (int i = 0; i < Rows; ++i) left[i] = Steps::load(a + i * o.aStride + at, part...);
    for (int j = 0; j < Weights; ++j) {
      const auto weight = Steps::load(b + j * o.bStride + at, part...);
      prefetch(b + (j + Weights) * o.bStride + at);
      for (int i = 0; i < Rows; ++i) sums[i][j] = Steps::add(sums[i][j], left[i], weight);
    }
  };
  int64_t at = 0;
  for (; at + Steps::kStep <= o.k; at += Steps::kStep) step(at);
  if (at < o.k) step(at, o.k - at);
  for (int i = 0; i < Rows; ++i) {
    for (int j = 0; j < Weights; ++j) o.store(row + i, column + j, sumLanes(sums[i][j]));
  }
}

template <int Weights, class Steps>
void columns(const Operands<Steps>& o, int64_t rows, int64_t column) {
  int64_t row = 0;
  for (; row + kRows <= rows; row += kRows) block<Steps, kRows, Weights>(o, row, column);
  if (rows - row == 3) block<Steps, 3, Weights>(o, row, column);
  if (rows - row == 2) block<Steps, 2, Weights>(o, row, column);
  if (rows - row == 1) block<Steps, 1, Weights>(o, row, column);
}

}  // namespace

bool fewRowsComputes(const GemmSize& size, Phys compute, const Matrix& a, const Matrix& b, const Matrix& c) {
  const bool stored = b.phys == compute || b.phys == Phys::BF16;
  return stored && size.batch == 1 && size.m <= kFewRows && a.colStride == 1 && (size.m == 1 || a.rowStride == size.k) &&
         b.rowStride == 1 && c.colStride == 1;
}

void fewRowsGemm(Context& context, const GemmSize& size, Phys compute, const Matrix& a, const Matrix& b, const Matrix& c,
                 const Tensor* bias, bool accumulate) {
  const auto multiply = [&](auto steps) {
    using Steps = decltype(steps);
    constexpr Phys kLeft = sizeof(typename Steps::Left) == 2 ? Phys::BF16 : Phys::F32;
    Tensor given;
    given.data = a.data;
    given.phys = a.phys;
    given.count = size.m * size.k;
    const Converted rounded(context, given, a.phys == Phys::BF16 ? Phys::BF16 : compute);
    const Converted left(context, rounded.tensor(), kLeft);
    const Operands<Steps> o = {left.tensor().template as<typename Steps::Left>(),
                               static_cast<const typename Steps::Weight*>(b.data), c, size.k, size.k, b.colStride, bias,
                               accumulate};
    parallelFor(size.n, size.m * size.k / kWorkGrain, [&](int64_t begin, int64_t end) {
      int64_t column = begin;
      for (; column + kWeights <= end; column += kWeights) columns<kWeights>(o, size.m, column);
      for (; column < end; ++column) columns<1>(o, size.m, column);
    }, kWeights);
  };
  if (compute == Phys::BF16) return multiply(NarrowSteps{});
  if (b.phys == Phys::BF16) return multiply(WideSteps<bf16>{});
  multiply(WideSteps<float>{});
}

}  // namespace uc

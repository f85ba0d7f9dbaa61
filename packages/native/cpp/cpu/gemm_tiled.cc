// C = A B in register tiles of 6 rows x 64 columns: 24 accumulators, 4 vectors of B, one broadcast word of A per row. Each
// step does 24 multiply-adds for 10 loads, so two FMA units stay busy from L1 and L2; compute bound.
//
// B is copied into panels of 64 columns (panels.h), rounded to the type of the product on the way. A is read where it lies
// when its rows are runs of that type, else its rows are copied too. Threads take tasks of up to 96 rows x 64 columns
// in turn; no result depends on which thread computes it. Longer sums than kDepth are cut, so that a panel stays in L2, and
// carried in f32.
#include "gemm_tiled.h"

#include "kept_panels.h"
#include "panels.h"

#ifdef __AVX512BW__
#include <immintrin.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "../runtime/parallel.h"
#include "convert.h"

namespace uc {

bool tiledGemmComputes(Phys compute) {
#if defined(__AVX512BF16__) && !defined(__AMX_BF16__)
  return isFloat(compute);
#else
  return compute == Phys::F32;
#endif
}

namespace {

constexpr int kTileRows = 6;
constexpr int kBlockRows = 96;
constexpr int64_t kDepth = 1024;

// A stretch of the sum for one tile: A from its first row and step, rows by a stride in bytes; B from its panel's first step.
struct Stretch {
  const char* a;
  int64_t rowStride;
  const uint32_t* b;
  int64_t steps;
};

// Where a finished tile goes.
struct Target {
  void* c;
  Phys phys;
  int64_t stride;
  const float* bias;  // of the tile's first column, or null
  bool accumulate;
  __mmask16 lastVector;
};

inline __m512 loadTarget(const Target& t, int64_t at, __mmask16 mask) {
  if (t.phys == Phys::F32) return _mm512_maskz_loadu_ps(mask, static_cast<const float*>(t.c) + at);
  const __m256i bits = _mm256_maskz_loadu_epi16(mask, static_cast<const bf16*>(t.c) + at);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

inline void storeTarget(const Target& t, int64_t at, __mmask16 mask, __m512 x) {
  if (t.phys == Phys::F32) return _mm512_mask_storeu_ps(static_cast<float*>(t.c) + at, mask, x);
#ifdef __AVX512BF16__
  _mm256_mask_storeu_epi16(static_cast<bf16*>(t.c) + at, mask, (__m256i)_mm512_cvtneps_pbh(x));
#else
  alignas(64) float values[16];
  _mm512_store_ps(values, x);
  for (int i = 0; i < 16; ++i) {
    if (mask >> i & 1) static_cast<bf16*>(t.c)[at + i] = toBf16(values[i]);
  }
#endif
}

template <Phys kPhys>
inline __m512 multiplyAdd(__m512 sum, __m512i a, __m512i b) {
#ifdef __AVX512BF16__
  if constexpr (kPhys == Phys::BF16) return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
#endif
  return _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), sum);
}

// One tile over one stretch. `partial` [Rows, 64] carries sums between stretches; `target` is null but for the last one.
template <Phys kPhys, int Rows, int Vectors>
void tile(const Stretch& s, float* partial, bool first, const Target* target) {
  __m512 sum[Rows][Vectors];
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      sum[r][v] = first ? _mm512_setzero_ps() : _mm512_loadu_ps(partial + r * kPanel + v * 16);
    }
  }
  const char* a = s.a;
  const uint32_t* b = s.b;
  for (int64_t i = 0; i < s.steps; ++i, a += 4, b += kPanel) {
    __m512i right[Vectors];
    for (int v = 0; v < Vectors; ++v) right[v] = _mm512_loadu_si512(b + v * 16);
    for (int r = 0; r < Rows; ++r) {
      int32_t word;
      std::memcpy(&word, a + r * s.rowStride, 4);
      const __m512i left = _mm512_set1_epi32(word);
      for (int v = 0; v < Vectors; ++v) sum[r][v] = multiplyAdd<kPhys>(sum[r][v], left, right[v]);
    }
  }
  if (target == nullptr) {
    for (int r = 0; r < Rows; ++r) {
      for (int v = 0; v < Vectors; ++v) _mm512_storeu_ps(partial + r * kPanel + v * 16, sum[r][v]);
    }
    return;
  }
  for (int v = 0; v < Vectors; ++v) {
    const __mmask16 mask = v == Vectors - 1 ? target->lastVector : 0xFFFF;
    const __m512 bias = target->bias ? _mm512_maskz_loadu_ps(mask, target->bias + v * 16) : _mm512_setzero_ps();
    for (int r = 0; r < Rows; ++r) {
      const int64_t at = r * target->stride + v * 16;
      __m512 x = _mm512_add_ps(sum[r][v], bias);
      if (target->accumulate) x = _mm512_add_ps(x, loadTarget(*target, at, mask));
      storeTarget(*target, at, mask, x);
    }
  }
}

using Tile = void (*)(const Stretch&, float*, bool, const Target*);

template <Phys kPhys, int Vectors>
Tile tileOf(int64_t rows) {
  static constexpr Tile table[] = {tile<kPhys, 1, Vectors>, tile<kPhys, 2, Vectors>, tile<kPhys, 3, Vectors>,
                                   tile<kPhys, 4, Vectors>, tile<kPhys, 5, Vectors>, tile<kPhys, 6, Vectors>};
  return table[rows - 1];
}

template <Phys kPhys>
Tile tileOf(int64_t rows, int64_t vectors) {
  switch (vectors) {
    case 1:
      return tileOf<kPhys, 1>(rows);
    case 2:
      return tileOf<kPhys, 2>(rows);
    case 3:
      return tileOf<kPhys, 3>(rows);
    default:
      return tileOf<kPhys, 4>(rows);
  }
}

Tile tileOf(Phys phys, int64_t rows, int64_t vectors) {
  return phys == Phys::BF16 ? tileOf<Phys::BF16>(rows, vectors) : tileOf<Phys::F32>(rows, vectors);
}

bool readable(const Product& p, Phys compute) {
  return p.a.phys == compute && p.a.colStride == 1 && p.k % pairOf(compute) == 0;
}

// The operands of one product in the order of the kernel: where they lie, kept from earlier calls, or copied.
class Ordered {
 public:
  Ordered(Context& context, const Product& p, int64_t m, int64_t n, Phys compute)
      : product_(p), rows_{{p.k, m, compute}}, panels_{{p.k, n, compute}} {
    const int64_t size = static_cast<int64_t>(bytesOf(compute));
    if (readable(p, compute)) {
      left_ = {static_cast<const char*>(p.a.data), p.a.rowStride * size};
    } else {
      ownRows_ = std::make_unique<Scratch<uint32_t>>(context, std::max<int64_t>(rows_.words(), 1));
      left_ = {reinterpret_cast<const char*>(ownRows_->data()), rows_.rowWords() * 4};
    }
    right_ = keptPanels(context, p.b, panels_);
    if (right_ != nullptr) return;
    fill_ = panelsToKeep(context, p.b, panels_);
    if (fill_ == nullptr) {
      ownPanels_ = std::make_unique<Scratch<uint32_t>>(context, std::max<int64_t>(panels_.words(), 1));
      fill_ = ownPanels_->data();
    }
    right_ = fill_;
  }

  bool copies() const { return ownRows_ != nullptr || fill_ != nullptr; }

  // Part `index` of `count` of the copying.
  void copy(int64_t index, int64_t count) const {
    if (ownRows_) {
      const int64_t parts = rows_.parts();
      rows_.copy(product_.a, parts * index / count, parts * (index + 1) / count, ownRows_->data());
    }
    if (fill_ != nullptr) {
      const int64_t parts = panels_.parts();
      panels_.copy(product_.b, parts * index / count, parts * (index + 1) / count, fill_);
    }
  }

  int64_t steps() const { return panels_.steps(); }

  // Steps [step, step + steps) of the tile that begins at `row` and column panel `panel`.
  Stretch stretch(int64_t row, int64_t panel, int64_t step, int64_t steps) const {
    return {left_.data + row * left_.rowStride + step * 4, left_.rowStride,
            right_ + panel * panels_.panelWords() + step * kPanel, steps};
  }

 private:
  struct Left {
    const char* data;
    int64_t rowStride;  // bytes
  };

  Product product_;
  Rows rows_;
  Panels panels_;
  Left left_{};
  const uint32_t* right_ = nullptr;
  uint32_t* fill_ = nullptr;
  std::unique_ptr<Scratch<uint32_t>> ownRows_, ownPanels_;
};

struct Plan {
  int64_t m, n, blocks, blockRows, panels;

  Plan(int64_t rows, int64_t columns, int64_t threads) : m(rows), n(columns), panels((columns + kPanel - 1) / kPanel) {
    // Blocks of equal height, whole tiles each; more of them than threads, so that nobody waits long for the last.
    blocks = (m + kBlockRows - 1) / kBlockRows;
    while (blocks * panels < 4 * threads && m / blocks > 2 * kTileRows) blocks *= 2;
    blockRows = ((m + blocks - 1) / blocks + kTileRows - 1) / kTileRows * kTileRows;
    blocks = (m + blockRows - 1) / blockRows;
  }
  int64_t tasks() const { return blocks * panels; }
};

// All tiles of one block of rows and one panel of columns.
void computeBlock(const Plan& plan, int64_t task, Phys compute, const std::vector<Ordered>& products, const Matrix& c,
                  const float* bias, bool accumulate, float* partial) {
  const int64_t begin = task / plan.panels * plan.blockRows, end = std::min(plan.m, begin + plan.blockRows);
  const int64_t panel = task % plan.panels, column = panel * kPanel;
  const int64_t columns = std::min<int64_t>(kPanel, plan.n - column), vectors = (columns + 15) / 16;
  const int64_t size = static_cast<int64_t>(bytesOf(c.phys));
  Target target = {nullptr, c.phys, c.rowStride, bias == nullptr ? nullptr : bias + column, accumulate,
                   static_cast<__mmask16>(0xFFFF >> (vectors * 16 - columns))};
  const int64_t depth = kDepth / pairOf(compute);
  for (size_t p = 0; p < products.size(); ++p) {
    const int64_t steps = products[p].steps();
    int64_t step = 0;
    do {
      const int64_t run = std::min(depth, steps - step);
      const bool first = p == 0 && step == 0;
      const bool last = p + 1 == products.size() && step + run == steps;
      for (int64_t row = begin; row < end; row += kTileRows) {
        const int64_t rows = std::min<int64_t>(kTileRows, end - row);
        target.c = static_cast<char*>(c.data) + (row * c.rowStride + column) * size;
        tileOf(compute, rows, vectors)(products[p].stretch(row, panel, step, run), partial + (row - begin) * kPanel, first,
                                       last ? &target : nullptr);
      }
      step += run;
    } while (step < steps);
  }
}

int threadsFor(int64_t work) {
  constexpr int64_t kWorkPerThread = int64_t{1} << 19;
  return static_cast<int>(std::clamp<int64_t>(work / kWorkPerThread, 1, omp_get_max_threads()));
}

}  // namespace

bool hasKeptPanels(Context& context, Phys compute, const Matrix& b, int64_t k, int64_t n) {
  return keptPanels(context, b, {{k, n, compute}}) != nullptr;
}

void tiledGemm(Context& context, int64_t m, int64_t n, Phys compute, std::span<const Product> products, const Matrix& c,
               const Tensor* bias, bool accumulate) {
  std::vector<Ordered> ordered;
  ordered.reserve(products.size());
  bool copies = false;
  for (const Product& p : products) copies |= ordered.emplace_back(context, p, m, n, compute).copies();
  std::optional<Converted> wideBias;
  if (bias != nullptr) wideBias.emplace(context, *bias, Phys::F32);
  const float* biasRow = bias == nullptr ? nullptr : wideBias->tensor().f32();
  const int threads = threadsFor(m * n * products[0].k);
  const Plan plan(m, n, threads);
  Scratch<float> partials(context, threads * kBlockRows * kPanel);
#pragma omp parallel num_threads(threads)
  {
    const int64_t t = omp_get_thread_num();
    for (const Ordered& product : ordered) product.copy(t, omp_get_num_threads());
    if (copies) {
#pragma omp barrier
    }
    float* partial = partials.data() + t * kBlockRows * kPanel;
#pragma omp for schedule(dynamic)
    for (int64_t task = 0; task < plan.tasks(); ++task) {
      computeBlock(plan, task, compute, ordered, c, biasRow, accumulate, partial);
    }
  }
}

}  // namespace uc

#else

namespace uc {

bool tiledGemmComputes(Phys) { return false; }
bool hasKeptPanels(Context&, Phys, const Matrix&, int64_t, int64_t) { return false; }
void tiledGemm(Context&, int64_t, int64_t, Phys, std::span<const Product>, const Matrix&, const Tensor*, bool) {
  fail("this build has no tiled product");
}

}  // namespace uc
#endif

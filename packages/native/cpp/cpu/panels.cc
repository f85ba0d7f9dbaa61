#include "panels.h"

#ifdef __AVX512BW__
#include <algorithm>

#include "transpose16.h"

namespace uc {

namespace {

__mmask16 first16(int64_t n) { return n >= 16 ? 0xFFFF : n <= 0 ? 0 : static_cast<__mmask16>((1u << n) - 1); }

// Up to 16 consecutive values as f32.
__m512 floats(const Matrix& m, int64_t at, int64_t n) {
  const __mmask16 mask = first16(n);
  if (m.phys == Phys::F32) return _mm512_maskz_loadu_ps(mask, static_cast<const float*>(m.data) + at);
  const __m256i bits = _mm256_maskz_loadu_epi16(mask, static_cast<const bf16*>(m.data) + at);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

#ifdef __AVX512BF16__
// Up to 16 consecutive values as bf16, each in the low half of a word.
__m512i halves(const Matrix& m, int64_t at, int64_t n) {
  const __mmask16 mask = first16(n);
  if (m.phys == Phys::BF16) {
    return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, static_cast<const bf16*>(m.data) + at));
  }
  return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(floats(m, at, n)));
}

// Up to 32 consecutive values as 16 pairs of bf16.
__m512i pairs(const Matrix& m, int64_t at, int64_t n) {
  if (m.phys == Phys::BF16) {
    const __mmask32 mask = n >= 32 ? ~0u : (1u << n) - 1;
    return _mm512_maskz_loadu_epi16(mask, static_cast<const bf16*>(m.data) + at);
  }
  return (__m512i)_mm512_cvtne2ps_pbh(floats(m, at + 16, n - 16), floats(m, at, n));
}
#else
__m512i halves(const Matrix&, int64_t, int64_t) { return {}; }
__m512i pairs(const Matrix&, int64_t, int64_t) { return {}; }
#endif

// Columns [column, column + 16) of a k x n matrix whose columns lie side by side: words[i] is step `step + i`.
void loadSteps(const Matrix& from, const CopyShape& s, int64_t column, int64_t step, __m512i words[16]) {
  const int64_t n = s.n - column, pair = pairOf(s.phys);
  for (int64_t i = 0; i < 16; ++i) {
    const int64_t k = (step + i) * pair;
    const int64_t at = k * from.rowStride + column;
    if (n <= 0 || k >= s.k) {
      words[i] = _mm512_setzero_si512();
    } else if (s.phys == Phys::F32) {
      words[i] = _mm512_castps_si512(floats(from, at, n));
    } else {
      words[i] = halves(from, at, n);
      if (k + 1 < s.k) words[i] = _mm512_or_si512(words[i], _mm512_slli_epi32(halves(from, at + from.rowStride, n), 16));
    }
  }
}

// The same of a matrix whose columns are runs: words[j] is column `column + j`, 16 steps of it.
void loadColumns(const Matrix& from, const CopyShape& s, int64_t column, int64_t step, __m512i words[16]) {
  const int64_t k = step * pairOf(s.phys);
  for (int64_t j = 0; j < 16; ++j) {
    const int64_t at = (column + j) * from.colStride + k;
    words[j] = column + j >= s.n      ? _mm512_setzero_si512()
               : s.phys == Phys::BF16 ? pairs(from, at, s.k - k)
                                      : _mm512_castps_si512(floats(from, at, s.k - k));
  }
}

}  // namespace

void Panels::copy(const Matrix& from, int64_t begin, int64_t end, uint32_t* to) const {
  const bool sideBySide = from.colStride == 1;
  for (int64_t part = begin; part < end; ++part) {
    // Neighbours in the source follow each other.
    const int64_t panel = sideBySide ? part % panels() : part / runs();
    const int64_t step = (sideBySide ? part / panels() : part % runs()) * 16;
    const int64_t most = std::min<int64_t>(16, steps() - step);
    uint32_t* at = to + panel * panelWords() + step * kPanel;
    for (int64_t v = 0; v < kPanel; v += 16) {
      __m512i words[16];
      if (sideBySide) {
        loadSteps(from, *this, panel * kPanel + v, step, words);
      } else {
        loadColumns(from, *this, panel * kPanel + v, step, words);
        transpose16(words);
      }
      for (int64_t i = 0; i < most; ++i) _mm512_storeu_si512(at + i * kPanel + v, words[i]);
    }
  }
}

void Rows::copy(const Matrix& from, int64_t begin, int64_t end, uint32_t* to) const {
  // Row r of the operand is column r of its transpose.
  const Matrix columns = from.transposed();
  const bool sideBySide = columns.colStride == 1;
  const int64_t groups = (n + 15) / 16;
  for (int64_t part = begin; part < end; ++part) {
    const int64_t row = (sideBySide ? part % groups : part / runs()) * 16;
    const int64_t step = (sideBySide ? part / groups : part % runs()) * 16;
    __m512i words[16];
    if (sideBySide) {
      loadSteps(columns, *this, row, step, words);
      transpose16(words);
    } else {
      loadColumns(columns, *this, row, step, words);
    }
    const int64_t most = std::min<int64_t>(16, n - row);
    for (int64_t j = 0; j < most; ++j) _mm512_storeu_si512(to + (row + j) * rowWords() + step, words[j]);
  }
}

}  // namespace uc
#endif

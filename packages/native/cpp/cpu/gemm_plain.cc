// libraryGemm() without oneDNN: correct on any layout, several times slower. Also the reference of the fast version.
#include <vector>

#include "../runtime/parallel.h"
#include "gemm_library.h"

namespace uc {

namespace {

float load(const Matrix& m, int64_t index) {
  return m.phys == Phys::BF16 ? toFloat(static_cast<bf16*>(m.data)[index]) : static_cast<float*>(m.data)[index];
}

void store(const Matrix& m, int64_t index, float value) {
  if (m.phys == Phys::BF16) {
    static_cast<bf16*>(m.data)[index] = toBf16(value);
  } else {
    static_cast<float*>(m.data)[index] = value;
  }
}

}  // namespace

void libraryGemm(Context& context, const GemmSize& size, const Matrix& a, const Matrix& b, const Matrix& c,
                 const Tensor* bias, bool accumulate) {
  // B is copied once, row by row in f32, so that the inner loop runs over contiguous memory.
  Scratch<float> packed(context, std::max<int64_t>(size.k * size.n, 1));
  Scratch<float> biasRow(context, std::max<int64_t>(size.n, 1));
  for (int64_t j = 0; j < size.n; ++j) {
    biasRow[j] = bias == nullptr ? 0 : bias->phys == Phys::BF16 ? toFloat(bias->b16()[j]) : bias->f32()[j];
  }
  for (int64_t batch = 0; batch < size.batch; ++batch) {
    if (batch == 0 || b.batchStride != 0) {
      parallelFor(size.k, size.n, [&](int64_t begin, int64_t end) {
        for (int64_t p = begin; p < end; ++p) {
          for (int64_t j = 0; j < size.n; ++j) {
            packed[p * size.n + j] = load(b, batch * b.batchStride + p * b.rowStride + j * b.colStride);
          }
        }
      });
    }
    parallelFor(size.m, size.n * std::max<int64_t>(size.k, 1), [&](int64_t begin, int64_t end) {
      std::vector<float> sums(size.n);
      for (int64_t i = begin; i < end; ++i) {
        std::copy(biasRow.data(), biasRow.data() + size.n, sums.begin());
        for (int64_t p = 0; p < size.k; ++p) {
          const float factor = load(a, batch * a.batchStride + i * a.rowStride + p * a.colStride);
          const float* row = packed.data() + p * size.n;
          for (int64_t j = 0; j < size.n; ++j) sums[j] += factor * row[j];
        }
        for (int64_t j = 0; j < size.n; ++j) {
          const int64_t at = batch * c.batchStride + i * c.rowStride + j * c.colStride;
          store(c, at, accumulate ? load(c, at) + sums[j] : sums[j]);
        }
      }
    });
  }
}

}  // namespace uc

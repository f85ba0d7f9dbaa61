// Products whose inner dimension is empty: every sum is 0. oneDNN divides by the inner dimension.
#pragma once

#include "gemm.h"

namespace uc {

// C[b] = 0 (+ bias over rows), of the shape that gemm() with size.k == 0 has.
inline void emptyProduct(const GemmSize& size, const Matrix& c, const Tensor* bias) {
  const auto biasAt = [&](int64_t j) {
    if (bias == nullptr) return 0.0f;
    return bias->phys == Phys::F32 ? bias->f32()[j] : toFloat(bias->b16()[j]);
  };
  for (int64_t row = 0; row < size.batch * size.m; ++row) {
    for (int64_t j = 0; j < size.n; ++j) {
      const int64_t at = row / size.m * c.batchStride + row % size.m * c.rowStride + j * c.colStride;
      if (c.phys == Phys::F32) {
        static_cast<float*>(c.data)[at] = biasAt(j);
      } else {
        static_cast<bf16*>(c.data)[at] = toBf16(biasAt(j));
      }
    }
  }
}

}  // namespace uc

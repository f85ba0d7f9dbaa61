// Matrix products for every kernel that needs one.
#pragma once

#include "../runtime/context.h"
#include "../runtime/tensor.h"

namespace uc {

// A batch of matrices in memory; strides in elements, batchStride 0 shares one matrix over the batch.
// The fastest layouts have rowStride or colStride equal to 1.
struct Matrix {
  void* data = nullptr;
  Phys phys = Phys::F32;
  int64_t rowStride = 0;
  int64_t colStride = 1;
  int64_t batchStride = 0;

  static Matrix rowMajor(void* data, Phys phys, int64_t rows, int64_t cols) {
    return {data, phys, cols, 1, rows * cols};
  }
  Matrix transposed() const { return {data, phys, colStride, rowStride, batchStride}; }
};

struct GemmSize {
  int64_t batch = 1, m = 0, n = 0, k = 0;
};

// C[b] = A[b] B[b] (+ bias over rows) (+ C[b] when accumulate), A is m x k, B is k x n, C is m x n.
// A and B must have the same physical type, f32 or bf16; C may be f32 or bf16; sums are f32.
// bias, when given, is a row of n elements (f32 or bf16) added to every row of C.
void gemm(Context& context, const GemmSize& size, const Matrix& a, const Matrix& b, const Matrix& c,
          const Tensor* bias = nullptr, bool accumulate = false);

}  // namespace uc

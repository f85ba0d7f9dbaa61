// Matrix products for every kernel that needs one.
//
// gemm() chooses between two implementations: the tiled kernel of gemm_tiled.cc, which converts and orders its operands
// itself, and a library (gemm_onednn.cc, or gemm_plain.cc where oneDNN is missing).
#pragma once

#include "../runtime/context.h"
#include "../runtime/tensor.h"

namespace uc {

// A batch of dense matrices in memory; strides in elements, batchStride 0 shares one matrix over the batch.
// rowStride or colStride is 1.
struct Matrix {
  void* data = nullptr;
  Phys phys = Phys::F32;
  int64_t rowStride = 0;
  int64_t colStride = 1;
  int64_t batchStride = 0;
  // Slot whose values the matrix is from first to last, or -1. Its order for the product may then be kept for the next call.
  int32_t slot = -1;

  static Matrix rowMajor(void* data, Phys phys, int64_t rows, int64_t cols) {
    return {data, phys, cols, 1, rows * cols, -1};
  }
  // All of a tensor as rows x cols.
  static Matrix of(const Tensor& t, int64_t rows, int64_t cols) {
    return {t.data, t.phys, cols, 1, rows * cols, t.slot};
  }
  Matrix transposed() const { return {data, phys, colStride, rowStride, batchStride, slot}; }
};

struct GemmSize {
  int64_t batch = 1, m = 0, n = 0, k = 0;
};

// C[b] = A[b] B[b] (+ bias over rows) (+ C[b] when accumulate), A is m x k, B is k x n, C is m x n.
// A and B (f32 or bf16 each) are rounded to `compute`, sums are f32, C may be f32 or bf16.
// bias, when given, is a row of n elements (f32 or bf16) added to every row of C.
void gemm(Context& context, const GemmSize& size, Phys compute, const Matrix& a, const Matrix& b, const Matrix& c,
          const Tensor* bias = nullptr, bool accumulate = false);

}  // namespace uc

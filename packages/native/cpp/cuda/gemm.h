// Matrix products on the device, with the operands of cpu/gemm.h.
#pragma once

#include "../cpu/gemm.h"
#include "kernel.h"

namespace uc {

// C[b] = A[b] B[b] (+ bias over rows) (+ C[b] when accumulate), as gemm() on the CPU. A and B have the same type; sums are f32.
// cuBLASLt where it is found and knows the layout, else plainGemm().
void deviceGemm(Context& context, const GemmSize& size, const Matrix& a, const Matrix& b, const Matrix& c,
                const Tensor* bias = nullptr, bool accumulate = false);

// Any strides and types: tiles of 64 x 64 in shared memory. The reference of the fast version.
void plainGemm(Context& context, const GemmSize& size, const Matrix& a, const Matrix& b, const Matrix& c, const Tensor* bias,
               bool accumulate);

// False when cuBLASLt is missing or has no algorithm for the operands; then nothing has been done.
bool cublasLtGemm(Context& context, const GemmSize& size, const Matrix& a, const Matrix& b, const Matrix& c,
                  const Tensor* bias, bool accumulate);

}  // namespace uc

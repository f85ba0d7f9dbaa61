// Matrix products by a library (gemm_onednn.cc) or plain loops (gemm_plain.cc): any batch, any stride.
#pragma once

#include "gemm.h"

namespace uc {

// As gemm(), for A and B of one physical type.
void libraryGemm(Context& context, const GemmSize& size, const Matrix& a, const Matrix& b, const Matrix& c,
                 const Tensor* bias, bool accumulate);

}  // namespace uc

// Products of few rows with a weight [n, k] that lies as it is stored: decoding a token, or one of each of several texts.
#pragma once

#include "gemm.h"

namespace uc {

// True for at most kFewRows rows and a weight whose inputs are contiguous, stored in the type of the product or in bf16.
bool fewRowsComputes(const GemmSize& size, Phys compute, const Matrix& a, const Matrix& b, const Matrix& c);

// C = A B (+ bias over rows) (+ C when accumulate). A row of C is the same to the bit whatever other rows there are.
void fewRowsGemm(Context& context, const GemmSize& size, Phys compute, const Matrix& a, const Matrix& b, const Matrix& c,
                 const Tensor* bias, bool accumulate);

}  // namespace uc

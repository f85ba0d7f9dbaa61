// Sums of matrix products.
//
// Apart from gemm.h because std::span is C++20 and gemm.h is also read by the CUDA sources, which are C++17.
#pragma once

#include <span>

#include "gemm.h"

namespace uc {

// One of several products that are summed: A is m x k, B is k x n.
struct Product {
  Matrix a, b;
  int64_t k = 0;
};

// C = A1 B1 + A2 B2 + ... (+ bias): as gemm(), rounded once.
void gemmSum(Context& context, int64_t m, int64_t n, Phys compute, std::span<const Product> products, const Matrix& c,
             const Tensor* bias = nullptr);

}  // namespace uc

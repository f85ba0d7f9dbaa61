// The project's own matrix product: f32 with AVX-512, bf16 with AVX-512-BF16.
#pragma once

#include "gemm_sum.h"

namespace uc {

// False where the processor the addon is built for lacks the instructions, or has better ones that oneDNN uses (AMX).
bool tiledGemmComputes(Phys compute);

// True when panels of `b` [k, n] are already there from earlier calls.
bool hasKeptPanels(Context& context, Phys compute, const Matrix& b, int64_t k, int64_t n);

// C = sum of products (+ bias over rows) (+ C when accumulate). tiledGemmComputes(compute) must hold.
void tiledGemm(Context& context, int64_t m, int64_t n, Phys compute, std::span<const Product> products, const Matrix& c,
               const Tensor* bias, bool accumulate);

}  // namespace uc

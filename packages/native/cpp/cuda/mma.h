// Tensor cores: products of 16 x 16 and 16 x 8 tiles of bf16 with f32 sums, by the 32 threads of a warp.
//
// Fragments (PTX, mma.sync.m16n8k16): with g = lane / 4 and t = lane % 4, in pairs of neighbours,
//   A: a0 = A[g][2t..], a1 = A[g+8][2t..], a2 = A[g][2t+8..], a3 = A[g+8][2t+8..]
//   B: b0 = B[2t..][g], b1 = B[2t+8..][g]
//   D: d0, d1 = D[g][2t..], d2, d3 = D[g+8][2t..]
#pragma once

#include "../runtime/phys.h"
#include "platform.h"
#ifdef UC_CUDA_EMULATED
#include "emulator/tensor_core.h"
#endif

namespace uc {

// d += a b
__device__ inline void mmaBf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#ifdef UC_CUDA_EMULATED
  emulator::mma(d, a, b);
#else
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

// Two values as a pair of bf16, the first in the lower half.
__device__ inline uint32_t packBf16(float first, float second) {
  return static_cast<uint32_t>(toBf16(first)) | static_cast<uint32_t>(toBf16(second)) << 16;
}

// Two neighbours in memory, at an even index.
__device__ inline uint32_t pairAt(const bf16* from) { return *reinterpret_cast<const uint32_t*>(from); }

__device__ inline uint32_t pairOf(bf16 first, bf16 second) {
  return static_cast<uint32_t>(first) | static_cast<uint32_t>(second) << 16;
}

}  // namespace uc

// mma.sync.m16n8k16 of bf16 as 32 fibers: the fragments are laid out as the PTX manual defines them for this shape.
#pragma once

#include "../../runtime/phys.h"
#include "scheduler.h"

namespace uc::emulator {

struct MmaOperands {
  uint32_t a[4], b[2];
};

// Where the lanes of the running thread's warp leave their operands; [32].
MmaOperands* warpOperands();

inline float halfOf(uint32_t word, int upper) { return toFloat(static_cast<bf16>(upper ? word >> 16 : word & 0xFFFFu)); }

// A[row][k] of the warp: lane 4 (row % 8) + (k % 8) / 2, register (row / 8) + 2 (k / 8), half k % 2.
inline float elementOfA(const MmaOperands* lanes, int row, int k) {
  return halfOf(lanes[4 * (row % 8) + k % 8 / 2].a[row / 8 + 2 * (k / 8)], k % 2);
}

// B[k][column]: lane 4 column + (k % 8) / 2, register k / 8, half k % 2.
inline float elementOfB(const MmaOperands* lanes, int k, int column) {
  return halfOf(lanes[4 * column + k % 8 / 2].b[k / 8], k % 2);
}

// d += a b. Accumulator register i of a lane is row lane / 4 + 8 (i / 2), column 2 (lane % 4) + i % 2.
inline void mma(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  MmaOperands* lanes = warpOperands();
  const int own = lane();
  std::memcpy(lanes[own].a, a, sizeof a);
  std::memcpy(lanes[own].b, b, sizeof b);
  syncWarp();
  for (int i = 0; i < 4; ++i) {
    for (int k = 0; k < 16; ++k) {
      d[i] += elementOfA(lanes, own / 4 + 8 * (i / 2), k) * elementOfB(lanes, k, 2 * (own % 4) + i % 2);
    }
  }
  syncWarp();
}

}  // namespace uc::emulator

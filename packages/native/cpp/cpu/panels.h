// The orders in which the tiled product reads its operands, and copies of operands in those orders.
//
// A step of a product is what fills 32 bits of one row or column: one f32, or two bf16 that follow each other in k.
// Panels (right operand): a k x n matrix cut into groups of kPanel columns, [n / kPanel][step][kPanel], missing columns 0.
// Rows (left operand): an m x k matrix as rows of words, [m][step]. The missing half of a last step is 0 in both.
// Copying is memory bound: each element is read and written once; either stride of the source may be 1.
#pragma once

#include "gemm.h"

namespace uc {

constexpr int64_t kPanel = 64;

// Elements of k per step.
inline int64_t pairOf(Phys phys) { return phys == Phys::BF16 ? 2 : 1; }

// A copy of a matrix with depth k and n rows (left) or columns (right). Threads share the work by parts.
struct CopyShape {
  int64_t k, n;
  Phys phys;

  int64_t steps() const { return (k + pairOf(phys) - 1) / pairOf(phys); }
  int64_t runs() const { return (steps() + 15) / 16; }
};

struct Panels : CopyShape {
  int64_t panels() const { return (n + kPanel - 1) / kPanel; }
  int64_t panelWords() const { return steps() * kPanel; }
  int64_t words() const { return panels() * panelWords(); }
  int64_t parts() const { return panels() * runs(); }
  // Copies parts [begin, end) of the k x n matrix `from` (f32 or bf16), rounding to phys. Needs AVX-512.
  void copy(const Matrix& from, int64_t begin, int64_t end, uint32_t* to) const;
};

struct Rows : CopyShape {
  // One more run than needed: rows a power of two apart would fall on the same cache lines.
  int64_t rowWords() const { return (runs() + 1) * 16; }
  int64_t words() const { return n * rowWords(); }
  int64_t parts() const { return (n + 15) / 16 * runs(); }
  // As Panels::copy, of the m x k matrix `from` with n = m.
  void copy(const Matrix& from, int64_t begin, int64_t end, uint32_t* to) const;
};

}  // namespace uc

// The part of cuBLASLt's binary interface that is used here, for a library that is opened at run time: the toolkit's header need
// not be installed. Numbers are those of versions 12 and 13.
#pragma once

#include <cstddef>
#include <cstdint>

#include "platform.h"

namespace uc::lt {

using Handle = struct HandleOpaque*;
using MatmulDesc = struct MatmulDescOpaque*;
using Layout = struct LayoutOpaque*;
using Preference = struct PreferenceOpaque*;
using Status = int;  // 0 is success

enum DataType : int { kF32 = 0, kBF16 = 14 };
enum ComputeType : int { kCompute32F = 68 };
enum Operation : int { kNoTranspose = 0, kTranspose = 1 };
enum DescAttribute : int { kTransA = 3, kTransB = 4, kEpilogue = 7, kBiasPointer = 8, kBiasDataType = 26 };
enum LayoutAttribute : int { kBatchCount = 5, kStridedBatchOffset = 6 };
enum PreferenceAttribute : int { kMaxWorkspaceBytes = 1 };
enum Epilogue : int { kEpilogueDefault = 1, kEpilogueBias = 4 };

struct Algorithm {
  uint64_t data[8];
};

struct HeuristicResult {
  Algorithm algorithm;
  size_t workspaceBytes;
  Status state;
  float waves;
  int reserved[4];
};

struct Api {
  Status (*create)(Handle*);
  Status (*destroy)(Handle);
  Status (*descCreate)(MatmulDesc*, ComputeType, DataType);
  Status (*descDestroy)(MatmulDesc);
  Status (*descSet)(MatmulDesc, DescAttribute, const void*, size_t);
  Status (*layoutCreate)(Layout*, DataType, uint64_t rows, uint64_t cols, int64_t leadingDimension);
  Status (*layoutDestroy)(Layout);
  Status (*layoutSet)(Layout, LayoutAttribute, const void*, size_t);
  Status (*preferenceCreate)(Preference*);
  Status (*preferenceDestroy)(Preference);
  Status (*preferenceSet)(Preference, PreferenceAttribute, const void*, size_t);
  Status (*heuristic)(Handle, MatmulDesc, Layout a, Layout b, Layout c, Layout d, Preference, int wanted, HeuristicResult*,
                      int* found);
  Status (*matmul)(Handle, MatmulDesc, const void* alpha, const void* a, Layout, const void* b, Layout, const void* beta,
                   const void* c, Layout, void* d, Layout, const Algorithm*, void* workspace, size_t workspaceBytes,
                   cudaStream_t);
};

// The library, opened on first use; null when it is nowhere. UNICHARACTER_CUBLASLT names a file to try first.
const Api* api();

}  // namespace uc::lt

// One source, two compilers: nvcc makes kernels for a GPU; with UC_CUDA_EMULATED a C++ compiler makes the same sources run on
// the host (emulator/), so that their logic is tested on machines without a GPU.
#pragma once

#ifdef UC_CUDA_EMULATED
#include "emulator/language.h"
#include "emulator/runtime.h"
#else
#include <cuda_runtime.h>

// Dynamic shared memory of a block as an array of T.
#define UC_DYNAMIC_SHARED(T, NAME)                                   \
  extern __shared__ __align__(16) unsigned char ucDynamicShared[]; \
  T* const NAME = reinterpret_cast<T*>(ucDynamicShared)
#endif

namespace uc {

// Threads of a block whose size is free. Fewer in the emulator, where they are slow; still more than one warp.
#ifdef UC_CUDA_EMULATED
constexpr int kBlockThreads = 64;
#else
constexpr int kBlockThreads = 256;
#endif
constexpr int kWarp = 32;

}  // namespace uc

// The words of CUDA C++ that the kernels use, for a C++ compiler. Blocks run one after another, so shared memory is static.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "scheduler.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __shared__ static
#define __align__(BYTES) __attribute__((aligned(BYTES)))
#define __launch_bounds__(...)

#define threadIdx (::uc::emulator::position.thread)
#define blockIdx (::uc::emulator::position.block)
#define blockDim (::uc::emulator::position.blockSize)
#define gridDim (::uc::emulator::position.gridSize)

#define UC_DYNAMIC_SHARED(T, NAME) T* const NAME = static_cast<T*>(::uc::emulator::dynamicShared())

using dim3 = uc::emulator::Dim3;

inline void __syncthreads() { uc::emulator::syncBlock(); }
inline void __syncwarp() { uc::emulator::syncWarp(); }

// All 32 threads of a warp take part in a shuffle, as with the full mask on a GPU.
template <class T>
T __shfl_xor_sync(unsigned, T value, int laneMask) {
  return uc::emulator::exchange(value, uc::emulator::lane() ^ laneMask);
}
template <class T>
T __shfl_sync(unsigned, T value, int lane) {
  return uc::emulator::exchange(value, lane);
}

inline int atomicCAS(int* address, int expected, int value) {
  const int before = *address;
  if (before == expected) *address = value;
  return before;
}
inline int atomicAdd(int* address, int value) {
  const int before = *address;
  *address += value;
  return before;
}

// How kernels are written here: a lambda or functor per element (forEach) or per item that a block of threads shares
// (forEachBlock), or a kernel of its own (launch).
#pragma once

#include <algorithm>

#include "../runtime/registry.h"
#include "cuda_device.h"

namespace uc {

#ifdef UC_CUDA_EMULATED
template <class... P, class... A>
void launchWith(bool barriers, CudaDevice&, void (*kernel)(P...), dim3 grid, dim3 block, size_t sharedBytes, A... args) {
  emulator::launch(grid, block, sharedBytes, barriers, [&] { kernel(args...); });
}
#else
template <class... P, class... A>
void launchWith(bool, CudaDevice& device, void (*kernel)(P...), dim3 grid, dim3 block, size_t sharedBytes, A... args) {
  if (sharedBytes > (size_t{48} << 10)) {
    checkCuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(sharedBytes)),
              "a request for shared memory");
  }
  kernel<<<grid, block, sharedBytes, device.stream()>>>(args...);
  checkCuda(cudaGetLastError(), "a launch");
}
#endif

// Launches a __global__ function on the context's stream.
template <class... P, class... A>
void launch(CudaDevice& device, void (*kernel)(P...), dim3 grid, dim3 block, size_t sharedBytes, A... args) {
  launchWith(true, device, kernel, grid, block, sharedBytes, args...);
}

constexpr int64_t kMostBlocks = int64_t{1} << 20;

template <class F>
__global__ void eachElement(int64_t n, F f) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step) f(i);
}

// Calls f(i) for 0 <= i < n, one thread each; f must not use barriers.
template <class F>
void forEach(Context& context, int64_t n, const F& f) {
  if (n <= 0) return;
  const int64_t blocks = std::min((n + kBlockThreads - 1) / kBlockThreads, kMostBlocks);
  void (*kernel)(int64_t, F) = eachElement<F>;
  launchWith(false, cudaDevice(context), kernel, dim3(static_cast<unsigned>(blocks)), dim3(kBlockThreads), 0, n, f);
}

template <class F>
__global__ void eachBlock(int64_t n, F f) {
  for (int64_t i = blockIdx.x; i < n; i += gridDim.x) {
    f(i);
    __syncthreads();
  }
}

// Calls f(i) for 0 <= i < n with all threads of a block, which share the work by threadIdx.x.
template <class F>
void forEachBlock(Context& context, int64_t n, const F& f) {
  if (n <= 0) return;
  void (*kernel)(int64_t, F) = eachBlock<F>;
  launchWith(true, cudaDevice(context), kernel, dim3(static_cast<unsigned>(std::min(n, kMostBlocks))), dim3(kBlockThreads),
             0, n, f);
}

struct Plus {
  template <class T>
  UC_HD T operator()(T a, T b) const {
    return a + b;
  }
};
struct Larger {
  template <class T>
  UC_HD T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};

template <class T, class Op>
__device__ T warpReduce(T value, Op op) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    value = op(value, __shfl_xor_sync(0xFFFFFFFFu, value, distance));
  }
  return value;
}

// Combines one value per thread of a block of kBlockThreads, in an order that never changes; every thread gets the result.
template <class T, class Op>
__device__ T blockReduce(T value, Op op) {
  __shared__ T parts[kBlockThreads / kWarp];
  value = warpReduce(value, op);
  if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = value;
  __syncthreads();
  T all = parts[0];
  for (int i = 1; i < kBlockThreads / kWarp; ++i) all = op(all, parts[i]);
  __syncthreads();
  return all;
}

template <class T>
__device__ T blockSum(T value) {
  return blockReduce(value, Plus{});
}

}  // namespace uc

// One GPU as one context uses it: a stream, its memory, copies through pinned memory, and what went wrong in kernels.
#pragma once

#include <memory>
#include <string>

#include "../runtime/context.h"
#include "../runtime/tensor.h"
#include "platform.h"

namespace uc {

// Throws KernelError with the runtime's message when `status` is an error.
void checkCuda(cudaError_t status, const char* call);

// Where a kernel leaves the first index that it found out of range. Reading it needs no synchronisation of its own: it
// travels with the next values that the host reads.
struct FaultReport {
  int32_t* words;  // {kernel number + 1, value, limit}
  int32_t kernel;

#if defined(__CUDACC__) || defined(UC_CUDA_EMULATED)
  // True when 0 <= index < limit; else the fault is noted, and the caller must not use the index.
  __device__ bool inRange(int64_t index, int64_t limit) const {
    if (index >= 0 && index < limit) return true;
    if (atomicCAS(words, 0, kernel + 1) == 0) {
      words[1] = static_cast<int32_t>(index);
      words[2] = static_cast<int32_t>(limit);
    }
    return false;
  }
#endif
};

class PinnedPool;
class UploadRing;

class CudaDevice : public DeviceMemory {
 public:
  CudaDevice();
  ~CudaDevice() override;

  Device device() const override { return Device::Cuda; }
  void* take(size_t bytes) override;
  void give(void* block) override;
  size_t cacheLimit() const override;
  size_t limitBytes() const override { return ~size_t{0} / 4; }
  std::string adviceOnLimit(size_t) const override {
    return " on the GPU, which has no more; free tensors, recompute activations, or use smaller batches";
  }
  void upload(void* to, const void* from, size_t bytes) override;
  void download(void* to, const void* from, size_t bytes) override;
  std::unique_ptr<PendingRead> beginRead(const void* from, size_t bytes) override;
  void beginKernel(int64_t index) override { kernel_ = static_cast<int32_t>(index); }
  // With UNICHARACTER_CUDA_SYNC=1 waits for the kernel, so that its errors are thrown by its own call.
  void endKernel() override;

  cudaStream_t stream() const { return stream_; }
  FaultReport faults() const { return {faultWords_, kernel_}; }
  int multiprocessors() const { return multiprocessors_; }

 private:
  cudaStream_t stream_ = nullptr;
  std::shared_ptr<PinnedPool> pinned_;
  std::unique_ptr<UploadRing> ring_;
  int32_t* faultWords_ = nullptr;
  int32_t kernel_ = 0;
  int multiprocessors_ = 1;
  bool synchronous_ = false;
};

// The device of a context in whose CUDA kernel we are.
inline CudaDevice& cudaDevice(Context& context) { return static_cast<CudaDevice&>(context.memory()); }

// Uninitialised device memory, given back at the end of the scope; the kernels that use it may still be running.
template <class T>
class DeviceScratch {
 public:
  DeviceScratch(Context& context, int64_t count) : allocator_(context.slotAllocator()) {
    data_ = static_cast<T*>(allocator_.allocate(static_cast<size_t>(count) * sizeof(T), capacity_));
  }
  ~DeviceScratch() { allocator_.release(data_, capacity_); }
  DeviceScratch(const DeviceScratch&) = delete;
  DeviceScratch& operator=(const DeviceScratch&) = delete;
  T* data() const { return data_; }

 private:
  Allocator& allocator_;
  size_t capacity_ = 0;
  T* data_ = nullptr;
};

// A host array on the device.
template <class T>
class DeviceTable {
 public:
  DeviceTable(Context& context, const T* values, int64_t count) : memory_(context, count) {
    if (count > 0) cudaDevice(context).upload(memory_.data(), values, static_cast<size_t>(count) * sizeof(T));
  }
  const T* data() const { return memory_.data(); }

 private:
  DeviceScratch<T> memory_;
};

}  // namespace uc

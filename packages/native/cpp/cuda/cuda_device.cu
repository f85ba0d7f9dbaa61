#include "cuda_device.h"

#include <cstring>
#include <mutex>
#include <vector>

#include "../runtime/environment.h"
#include "../runtime/registry.h"
#include "device.h"

namespace uc {

void checkCuda(cudaError_t status, const char* call) {
  if (status != cudaSuccess) fail(std::string(call) + " failed: " + cudaGetErrorString(status));
}

namespace {

constexpr size_t kFaultBytes = 4 * sizeof(int32_t);

void throwFault(const int32_t* words) {
  if (words[0] == 0) return;
  fail(registry().names()[static_cast<size_t>(words[0] - 1)] + ": the index value " + std::to_string(words[1]) +
       " is not in [0, " + std::to_string(words[2] - 1) + "]");
}

}  // namespace

// Blocks of pinned host memory, which are slow to make. Shared with reads that outlive the device.
class PinnedPool {
 public:
  ~PinnedPool() {
    for (const Block& block : free_) cudaFreeHost(block.data);
  }
  struct Block {
    void* data = nullptr;
    size_t bytes = 0;
  };
  Block take(size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (size_t i = 0; i < free_.size(); ++i) {
      if (free_[i].bytes < bytes || free_[i].bytes > 4 * bytes + 4096) continue;
      const Block block = free_[i];
      free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(i));
      return block;
    }
    Block block;
    block.bytes = bytes;
    checkCuda(cudaMallocHost(&block.data, bytes), "cudaMallocHost");
    return block;
  }
  void give(const Block& block) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (free_.size() < kKept) {
      free_.push_back(block);
    } else {
      cudaFreeHost(block.data);
    }
  }

 private:
  static constexpr size_t kKept = 16;
  std::mutex mutex_;
  std::vector<Block> free_;
};

// Small uploads go through a ring of pinned memory, so that the host need not wait for them. Each half is used again only
// when the copies out of it have ended, which they normally have long before.
class UploadRing {
 public:
  static constexpr size_t kHalf = size_t{4} << 20;

  UploadRing() {
    checkCuda(cudaMallocHost(&memory_, 2 * kHalf), "cudaMallocHost");
    for (cudaEvent_t& event : passed_) checkCuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreate");
  }
  ~UploadRing() {
    for (cudaEvent_t event : passed_) cudaEventDestroy(event);
    cudaFreeHost(memory_);
  }
  void upload(cudaStream_t stream, void* to, const void* from, size_t bytes) {
    const size_t aligned = (bytes + 255) / 256 * 256;
    if (used_ + aligned > kHalf) {
      checkCuda(cudaEventRecord(passed_[half_], stream), "cudaEventRecord");
      half_ ^= 1;
      used_ = 0;
      checkCuda(cudaEventSynchronize(passed_[half_]), "cudaEventSynchronize");
    }
    char* place = static_cast<char*>(memory_) + half_ * kHalf + used_;
    used_ += aligned;
    std::memcpy(place, from, bytes);
    checkCuda(cudaMemcpyAsync(to, place, bytes, cudaMemcpyHostToDevice, stream), "a copy to the device");
  }

 private:
  void* memory_ = nullptr;
  cudaEvent_t passed_[2] = {};
  size_t half_ = 0, used_ = 0;
};

namespace {

// The values and the fault words in pinned memory, and an event behind the copies.
class CudaRead : public PendingRead {
 public:
  CudaRead(std::shared_ptr<PinnedPool> pool, cudaStream_t stream, const void* from, size_t bytes, const int32_t* faults)
      : pool_(std::move(pool)), block_(pool_->take(bytes + kFaultBytes)) {
    const cudaError_t made = cudaEventCreateWithFlags(&event_, cudaEventDisableTiming | cudaEventBlockingSync);
    if (made != cudaSuccess) {
      pool_->give(block_);
      checkCuda(made, "cudaEventCreate");
    }
    char* to = static_cast<char*>(block_.data);
    status_ = cudaMemcpyAsync(to, faults, kFaultBytes, cudaMemcpyDeviceToHost, stream);
    if (status_ == cudaSuccess && bytes > 0) {
      status_ = cudaMemcpyAsync(to + kFaultBytes, from, bytes, cudaMemcpyDeviceToHost, stream);
    }
    if (status_ == cudaSuccess) status_ = cudaEventRecord(event_, stream);
  }
  ~CudaRead() override {
    cudaEventSynchronize(event_);
    cudaEventDestroy(event_);
    pool_->give(block_);
  }
  void wait() override {
    checkCuda(status_, "a copy from the device");
    checkCuda(cudaEventSynchronize(event_), "a kernel before this read");
    throwFault(static_cast<const int32_t*>(block_.data));
  }
  const void* bytes() const override { return static_cast<const char*>(block_.data) + kFaultBytes; }

 private:
  std::shared_ptr<PinnedPool> pool_;
  PinnedPool::Block block_;
  cudaEvent_t event_ = nullptr;
  cudaError_t status_ = cudaSuccess;
};

}  // namespace

CudaDevice::CudaDevice() {
  checkCuda(cudaSetDevice(0), "cudaSetDevice");
  cudaDeviceProp properties;
  checkCuda(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  multiprocessors_ = properties.multiProcessorCount;
  checkCuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
  pinned_ = std::make_shared<PinnedPool>();
  ring_ = std::make_unique<UploadRing>();
  void* words = take(kFaultBytes);
  if (words == nullptr) fail("no device memory is left");
  faultWords_ = static_cast<int32_t*>(words);
  checkCuda(cudaMemsetAsync(faultWords_, 0, kFaultBytes, stream_), "cudaMemset");
  synchronous_ = environmentInteger("UNICHARACTER_CUDA_SYNC", 0, 1).value_or(0) == 1;
}

CudaDevice::~CudaDevice() {
  cudaStreamSynchronize(stream_);
  cudaFree(faultWords_);
  ring_.reset();
  cudaStreamDestroy(stream_);
}

void* CudaDevice::take(size_t bytes) {
  void* block = nullptr;
  if (cudaMalloc(&block, bytes) == cudaSuccess) return block;
  cudaGetLastError();  // out of memory is no lasting error
  return nullptr;
}

void CudaDevice::give(void* block) { cudaFree(block); }

// Nothing is given back before memory ends: cudaFree() waits for the device.
size_t CudaDevice::cacheLimit() const {
  const auto mib = environmentInteger("UNICHARACTER_CUDA_CACHE_MB", 0, int64_t{1} << 30);
  return mib ? static_cast<size_t>(*mib) << 20 : ~size_t{0} / 4;
}

void CudaDevice::upload(void* to, const void* from, size_t bytes) {
  if (bytes <= UploadRing::kHalf / 4) return ring_->upload(stream_, to, from, bytes);
  checkCuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_), "a copy to the device");
  // The caller's array may change once we return, and the runtime promises to have read it only for pageable memory.
  checkCuda(cudaStreamSynchronize(stream_), "a copy to the device");
}

void CudaDevice::download(void* to, const void* from, size_t bytes) {
  CudaRead read(pinned_, stream_, from, bytes, faultWords_);
  try {
    read.wait();
  } catch (...) {
    cudaMemsetAsync(faultWords_, 0, kFaultBytes, stream_);
    throw;
  }
  std::memcpy(to, read.bytes(), bytes);
}

std::unique_ptr<PendingRead> CudaDevice::beginRead(const void* from, size_t bytes) {
  auto read = std::make_unique<CudaRead>(pinned_, stream_, from, bytes, faultWords_);
  // A fault is reported by the read that meets it first.
  checkCuda(cudaMemsetAsync(faultWords_, 0, kFaultBytes, stream_), "cudaMemset");
  return read;
}

void CudaDevice::endKernel() {
  checkCuda(cudaGetLastError(), "a launch");
  if (!synchronous_) return;
  int32_t words[4];
  checkCuda(cudaMemcpyAsync(words, faultWords_, kFaultBytes, cudaMemcpyDeviceToHost, stream_), "a copy from the device");
  checkCuda(cudaStreamSynchronize(stream_), "the kernel");
  if (words[0] == 0) return;
  checkCuda(cudaMemsetAsync(faultWords_, 0, kFaultBytes, stream_), "cudaMemset");
  fail("the index value " + std::to_string(words[1]) + " is not in [0, " + std::to_string(words[2] - 1) + "]");
}

int cudaDeviceCount() {
  static const int count = [] {
    int n = 0;
    return cudaGetDeviceCount(&n) == cudaSuccess ? n : 0;
  }();
  return count;
}

std::string cudaDeviceName() {
  static const std::string name = [] {
    cudaDeviceProp properties;
    if (cudaDeviceCount() == 0 || cudaGetDeviceProperties(&properties, 0) != cudaSuccess) return std::string();
    return std::string(properties.name) + ", compute capability " + std::to_string(properties.major) + "." +
           std::to_string(properties.minor);
  }();
  return name;
}

std::unique_ptr<DeviceMemory> openCudaDevice() {
  if (cudaDeviceCount() == 0) {
    fail("no CUDA device is usable: is there a GPU, and a driver for it (nvidia-smi)? The device 'cpu' needs neither");
  }
  return std::make_unique<CudaDevice>();
}

}  // namespace uc

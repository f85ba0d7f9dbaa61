#include "runtime.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

namespace uc::emulator {

namespace {

constexpr size_t kPage = 4096;
constexpr size_t kArenaBytes = size_t{1} << 36;

// All device memory is one range of addresses, so that it opens and closes in one call.
class Arena {
 public:
  void* take(size_t bytes) {
    const size_t size = (bytes + kPage - 1) / kPage * kPage;
    auto& fitting = free_[size];
    char* block;
    if (!fitting.empty()) {
      block = fitting.back();
      fitting.pop_back();
    } else {
      if (base_ == nullptr && !reserve()) return nullptr;
      if (used_ + size > kArenaBytes) return nullptr;
      block = base_ + used_;
      used_ += size;
    }
    sizes_[block] = size;
    return block;
  }
  void give(void* block) {
    const auto found = sizes_.find(static_cast<char*>(block));
    if (found == sizes_.end()) std::abort();
    free_[found->second].push_back(found->first);
    sizes_.erase(found);
  }
  void open() { protect(PROT_READ | PROT_WRITE); }
  void close() { protect(PROT_NONE); }

 private:
  bool reserve() {
    void* range = mmap(nullptr, kArenaBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) return false;
    base_ = static_cast<char*>(range);
    return true;
  }
  void protect(int access) {
    if (used_ > 0 && mprotect(base_, used_, access) != 0) std::abort();
  }

  char* base_ = nullptr;
  size_t used_ = 0;
  std::map<size_t, std::vector<char*>> free_;
  std::map<char*, size_t> sizes_;
};

std::mutex mutex;

Arena& arena() {
  static Arena* const all = new Arena;  // outlives every context
  return *all;
}

// Device memory is open while one of these lives.
class Access {
 public:
  Access() : lock_(mutex) { arena().open(); }
  ~Access() { arena().close(); }

 private:
  std::lock_guard<std::mutex> lock_;
};

}  // namespace

void launch(Dim3 grid, Dim3 block, size_t sharedBytes, bool barriers, const std::function<void()>& body) {
  const Access access;
  runGrid(grid, block, sharedBytes, barriers, body);
}

}  // namespace uc::emulator

using uc::emulator::Access;
using uc::emulator::arena;

cudaError_t cudaMalloc(void** block, size_t bytes) {
  {
    const std::lock_guard<std::mutex> lock(uc::emulator::mutex);
    *block = arena().take(bytes);
  }
  if (*block == nullptr) return cudaErrorMemoryAllocation;
  return cudaMemsetAsync(*block, 0xFF, bytes, nullptr);
}

cudaError_t cudaFree(void* block) {
  const std::lock_guard<std::mutex> lock(uc::emulator::mutex);
  arena().give(block);
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** block, size_t bytes) {
  *block = std::malloc(bytes);
  return *block == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}

cudaError_t cudaFreeHost(void* block) {
  std::free(block);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t) {
  const Access access;
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t) {
  const Access access;
  std::memset(to, value, bytes);
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::snprintf(properties->name, sizeof properties->name, "emulated on the host");
  properties->multiProcessorCount = 2;
  return cudaSuccess;
}

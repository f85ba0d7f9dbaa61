#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "device.h"
#include "environment.h"

namespace uc {

namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr int64_t kDefaultCacheMiB = 1024;
constexpr int64_t kMostMiB = int64_t{1} << 30;

size_t bytesOfMiB(int64_t count) { return static_cast<size_t>(count) << 20; }

// A promise of more than the machine has is kept by the kernel's OOM killer, which ends the process without a word.
int64_t machineMiB() {
  return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<int64_t>(sysconf(_SC_PAGE_SIZE)) >> 20;
}

class HostRead : public PendingRead {
 public:
  HostRead(const void* from, size_t bytes)
      : copy_(static_cast<const char*>(from), static_cast<const char*>(from) + bytes) {}
  void wait() override {}
  const void* bytes() const override { return copy_.data(); }

 private:
  std::vector<char> copy_;
};

class HostMemory : public DeviceMemory {
 public:
  Device device() const override { return Device::Cpu; }

  // 64-byte aligned; large blocks lie on huge pages.
  void* take(size_t bytes) override {
    void* block = nullptr;
    const bool large = bytes >= kHugePage;
    if (posix_memalign(&block, large ? kHugePage : 64, bytes) != 0) return nullptr;
    if (large) madvise(block, bytes, MADV_HUGEPAGE);
    return block;
  }
  void give(void* block) override { std::free(block); }

  size_t cacheLimit() const override {
    return bytesOfMiB(environmentInteger("UNICHARACTER_CACHE_MB", 0, kMostMiB).value_or(kDefaultCacheMiB));
  }
  // UNICHARACTER_MEMORY_MB, else the memory of the machine.
  size_t limitBytes() const override {
    return bytesOfMiB(environmentInteger("UNICHARACTER_MEMORY_MB", 1, kMostMiB).value_or(machineMiB()));
  }
  std::string adviceOnLimit(size_t limitBytes) const override {
    return " and the limit is " + std::to_string(limitBytes >> 20) +
           " MiB; free tensors, recompute activations, or raise UNICHARACTER_MEMORY_MB";
  }
  void upload(void* to, const void* from, size_t bytes) override { std::memcpy(to, from, bytes); }
  void download(void* to, const void* from, size_t bytes) override { std::memcpy(to, from, bytes); }
  std::unique_ptr<PendingRead> beginRead(const void* from, size_t bytes) override {
    return std::make_unique<HostRead>(from, bytes);
  }
};

}  // namespace

std::unique_ptr<DeviceMemory> hostMemory() { return std::make_unique<HostMemory>(); }

}  // namespace uc

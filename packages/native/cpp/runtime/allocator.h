// Blocks in size classes with a reuse cache, and the byte statistics that memoryStats() reports. The same on every device:
// work of a context runs in order, so a released block may be handed out again before the device has come to its end.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "device.h"

namespace uc {

class Allocator {
 public:
  explicit Allocator(DeviceMemory& memory);
  ~Allocator();
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  // A block of at least `bytes` bytes; `capacity` receives the size of its class. Throws KernelError when memory ends or
  // live and cached bytes would exceed the limit.
  void* allocate(size_t bytes, size_t& capacity);
  void release(void* block, size_t capacity);

  size_t liveBytes() const { return liveBytes_; }
  size_t peakBytes() const { return peakBytes_; }
  size_t cachedBytes() const { return cachedBytes_; }
  // UNICHARACTER_MEMORY_MB, else the memory of the machine.
  size_t limitBytes() const { return limitBytes_; }
  void resetPeak() { peakBytes_ = liveBytes_; }
  // Gives every cached block back to the system.
  void trim();

 private:
  static constexpr int kClasses = 200;
  static size_t capacityOf(int index);
  static int classOf(size_t bytes);
  void* freshBlock(size_t capacity);
  [[noreturn]] void failForMemory(size_t bytes) const;

  DeviceMemory& memory_;
  std::array<std::vector<void*>, kClasses> free_;
  size_t liveBytes_ = 0;
  size_t peakBytes_ = 0;
  size_t cachedBytes_ = 0;
  size_t cacheLimit_;
  size_t limitBytes_;
};

}  // namespace uc

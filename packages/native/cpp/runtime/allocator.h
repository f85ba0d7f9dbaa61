// 64-byte aligned blocks in size classes with a reuse cache, and the byte statistics that memoryStats() reports.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace uc {

class Allocator {
 public:
  Allocator();
  ~Allocator();
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  // A block of at least `bytes` bytes; `capacity` receives the size of its class. Throws KernelError when memory ends.
  void* allocate(size_t bytes, size_t& capacity);
  void release(void* block, size_t capacity);

  size_t liveBytes() const { return liveBytes_; }
  size_t peakBytes() const { return peakBytes_; }
  size_t cachedBytes() const { return cachedBytes_; }
  void resetPeak() { peakBytes_ = liveBytes_; }
  // Gives every cached block back to the operating system.
  void trim();

 private:
  static constexpr int kClasses = 200;
  static size_t capacityOf(int index);
  static int classOf(size_t bytes);

  std::array<std::vector<void*>, kClasses> free_;
  size_t liveBytes_ = 0;
  size_t peakBytes_ = 0;
  size_t cachedBytes_ = 0;
  size_t cacheLimit_;
};

}  // namespace uc

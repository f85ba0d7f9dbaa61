#include "allocator.h"

#include <sys/mman.h>

#include <cstdlib>
#include <string>

#include "tensor.h"

namespace uc {

namespace {
constexpr size_t kSmallest = 64;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kDefaultCacheBytes = size_t{1} << 30;
constexpr int kStepsPerDoubling = 4;
}  // namespace

Allocator::Allocator() : cacheLimit_(kDefaultCacheBytes) {
  if (const char* text = std::getenv("UNICHARACTER_CACHE_MB")) {
    cacheLimit_ = static_cast<size_t>(std::strtoull(text, nullptr, 10)) << 20;
  }
}

Allocator::~Allocator() { trim(); }

// Classes grow by 2^(1/4) in four linear steps per doubling: at most 25 % of a block is unused.
size_t Allocator::capacityOf(int index) {
  const size_t base = kSmallest << (index / kStepsPerDoubling);
  return base + base / kStepsPerDoubling * (index % kStepsPerDoubling);
}

int Allocator::classOf(size_t bytes) {
  if (bytes <= kSmallest) return 0;
  const int doubling = 63 - __builtin_clzll((bytes - 1) / kSmallest);
  int index = doubling * kStepsPerDoubling;
  while (capacityOf(index) < bytes) ++index;
  return index;
}

void* Allocator::allocate(size_t bytes, size_t& capacity) {
  const int index = classOf(bytes);
  if (index >= kClasses) fail("an allocation of " + std::to_string(bytes) + " bytes is too large");
  capacity = capacityOf(index);
  void* block = nullptr;
  if (!free_[index].empty()) {
    block = free_[index].back();
    free_[index].pop_back();
    cachedBytes_ -= capacity;
  } else {
    const size_t alignment = capacity >= kHugePage ? kHugePage : 64;
    if (posix_memalign(&block, alignment, capacity) != 0) {
      trim();
      if (posix_memalign(&block, alignment, capacity) != 0) {
        fail("out of memory: asked for " + std::to_string(capacity) + " bytes while " + std::to_string(liveBytes_) +
             " bytes are live");
      }
    }
    if (capacity >= kHugePage) madvise(block, capacity, MADV_HUGEPAGE);
  }
  liveBytes_ += capacity;
  if (liveBytes_ > peakBytes_) peakBytes_ = liveBytes_;
  return block;
}

void Allocator::release(void* block, size_t capacity) {
  liveBytes_ -= capacity;
  if (cachedBytes_ + capacity > cacheLimit_) {
    std::free(block);
    return;
  }
  free_[classOf(capacity)].push_back(block);
  cachedBytes_ += capacity;
}

void Allocator::trim() {
  for (auto& blocks : free_) {
    for (void* block : blocks) std::free(block);
    blocks.clear();
  }
  cachedBytes_ = 0;
}

}  // namespace uc

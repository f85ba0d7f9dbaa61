#include "allocator.h"

#include <string>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)
#define ASAN_UNPOISON_MEMORY_REGION(address, size)
#endif

#include "tensor.h"

namespace uc {

namespace {
constexpr size_t kSmallest = 64;
constexpr int kStepsPerDoubling = 4;
}  // namespace

Allocator::Allocator(DeviceMemory& memory)
    : memory_(memory), cacheLimit_(memory.cacheLimit()), limitBytes_(memory.limitBytes()) {}

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

void Allocator::failForMemory(size_t bytes) const {
  const auto mib = [](size_t n) { return std::to_string((n + (size_t{1} << 20) - 1) >> 20) + " MiB"; };
  fail("out of memory: asked for " + mib(bytes) + " while " + mib(liveBytes_) + " are live" +
       memory_.adviceOnLimit(limitBytes_));
}

void* Allocator::freshBlock(size_t capacity) {
  if (capacity > limitBytes_ || liveBytes_ > limitBytes_ - capacity) failForMemory(capacity);
  if (liveBytes_ + cachedBytes_ + capacity > limitBytes_) trim();
  void* block = memory_.take(capacity);
  if (block == nullptr) {
    trim();
    block = memory_.take(capacity);
    if (block == nullptr) failForMemory(capacity);
  }
  return block;
}

void* Allocator::allocate(size_t bytes, size_t& capacity) {
  const int index = classOf(bytes);
  if (index >= kClasses) failForMemory(bytes);
  capacity = capacityOf(index);
  void* block = nullptr;
  if (!free_[index].empty()) {
    block = free_[index].back();
    free_[index].pop_back();
    cachedBytes_ -= capacity;
  } else {
    block = freshBlock(capacity);
  }
  // Under AddressSanitizer the unused end of a block and blocks in the cache are out of bounds; otherwise these do nothing.
  ASAN_UNPOISON_MEMORY_REGION(block, bytes);
  ASAN_POISON_MEMORY_REGION(static_cast<char*>(block) + bytes, capacity - bytes);
  liveBytes_ += capacity;
  if (liveBytes_ > peakBytes_) peakBytes_ = liveBytes_;
  return block;
}

void Allocator::release(void* block, size_t capacity) {
  liveBytes_ -= capacity;
  if (cachedBytes_ + capacity > cacheLimit_) {
    memory_.give(block);
    return;
  }
  ASAN_POISON_MEMORY_REGION(block, capacity);
  free_[classOf(capacity)].push_back(block);
  cachedBytes_ += capacity;
}

void Allocator::trim() {
  for (auto& blocks : free_) {
    for (void* block : blocks) memory_.give(block);
    blocks.clear();
  }
  cachedBytes_ = 0;
}

}  // namespace uc

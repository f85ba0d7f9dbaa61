#include "slot_table.h"

#include <string>

#include "tensor.h"

namespace uc {

SlotTable::~SlotTable() {
  for (Buffer& buffer : buffers_) {
    if (buffer.data) allocator_->release(buffer.data, buffer.capacity);
  }
}

void SlotTable::useAllocator(Allocator& allocator) {
  if (live_ > 0) {
    fail("the device cannot be changed while " + std::to_string(live_) + " tensors are alive; dispose of them first");
  }
  allocator_ = &allocator;
}

int32_t SlotTable::create(int64_t count, Phys phys) {
  Buffer buffer;
  buffer.count = count;
  buffer.phys = phys;
  buffer.data = allocator_->allocate(static_cast<size_t>(count) * bytesOf(phys), buffer.capacity);
  ++live_;
  if (!free_.empty()) {
    const int32_t slot = free_.back();
    free_.pop_back();
    buffers_[slot] = buffer;
    return slot;
  }
  buffers_.push_back(buffer);
  return static_cast<int32_t>(buffers_.size() - 1);
}

Buffer& SlotTable::at(int32_t slot) {
  if (slot < 0 || slot >= static_cast<int32_t>(buffers_.size()) || !buffers_[slot].data) {
    fail("slot " + std::to_string(slot) + " names no live buffer; its tensor may have been disposed");
  }
  return buffers_[slot];
}

void SlotTable::release(int32_t slot) {
  Buffer& buffer = at(slot);
  allocator_->release(buffer.data, buffer.capacity);
  buffer = Buffer{};
  free_.push_back(slot);
  --live_;
}

}  // namespace uc

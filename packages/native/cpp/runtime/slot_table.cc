#include "slot_table.h"

#include <string>
#include <utility>

#include "tensor.h"

namespace uc {

SlotTable::~SlotTable() {
  for (Buffer& buffer : buffers_) {
    if (buffer.data) drop(buffer);
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
  buffer.data = allocator_->allocate(buffer.bytes(), buffer.capacity);
  ++live_;
  return insert(std::move(buffer));
}

int32_t SlotTable::map(std::shared_ptr<const MappedFile> file, int64_t offset, int64_t count, Phys phys) {
  const int64_t size = static_cast<int64_t>(bytesOf(phys));
  if (count <= 0 || count > (int64_t{1} << 46)) fail("a mapped tensor of " + std::to_string(count) + " elements");
  if (offset % size != 0) {
    fail("byte " + std::to_string(offset) + " is no place for " + nameOf(phys) + " elements, which need a multiple of " +
         std::to_string(size));
  }
  Buffer buffer;
  buffer.count = count;
  buffer.phys = phys;
  buffer.data = file->at(offset, count * size);
  buffer.file = std::move(file);
  mappedBytes_ += buffer.bytes();
  return insert(std::move(buffer));
}

int32_t SlotTable::insert(Buffer buffer) {
  if (!free_.empty()) {
    const int32_t slot = free_.back();
    free_.pop_back();
    buffers_[slot] = std::move(buffer);
    return slot;
  }
  buffers_.push_back(std::move(buffer));
  return static_cast<int32_t>(buffers_.size() - 1);
}

Buffer& SlotTable::at(int32_t slot) {
  if (slot < 0 || slot >= static_cast<int32_t>(buffers_.size()) || !buffers_[slot].data) {
    fail("slot " + std::to_string(slot) + " names no live buffer; its tensor may have been disposed");
  }
  return buffers_[slot];
}

void SlotTable::release(int32_t slot) {
  drop(at(slot));
  free_.push_back(slot);
}

void SlotTable::drop(Buffer& buffer) {
  if (buffer.readOnly()) {
    mappedBytes_ -= buffer.bytes();
  } else {
    allocator_->release(buffer.data, buffer.capacity);
    --live_;
  }
  buffer = Buffer{};
}

}  // namespace uc

// Everything that belongs to one instance of the addon (one per JavaScript thread).
#pragma once

#include <memory>
#include <unordered_map>

#include "allocator.h"
#include "slot_table.h"

namespace uc {

class Context {
 public:
  Context() : hostMemory_(hostMemory()), allocator(*hostMemory_), slots(allocator) {}

 private:
  std::unique_ptr<DeviceMemory> hostMemory_, deviceMemory_;
  std::unique_ptr<Allocator> deviceAllocator_;

 public:
  // Host memory: working memory of CPU kernels, and the slots of a context on the CPU.
  Allocator allocator;
  SlotTable slots;

  // The memory that the slots lie in and its statistics.
  DeviceMemory& memory() { return deviceMemory_ ? *deviceMemory_ : *hostMemory_; }
  Allocator& slotAllocator() { return deviceMemory_ ? *deviceAllocator_ : allocator; }
  Device device() { return memory().device(); }

  // Moves a context without live slots to another device; null means the CPU.
  void useDevice(std::unique_ptr<DeviceMemory> memory) {
    slots.useAllocator(allocator);
    states_.clear();
    deviceAllocator_.reset();
    deviceMemory_ = std::move(memory);
    if (!deviceMemory_) return;
    deviceAllocator_ = std::make_unique<Allocator>(*deviceMemory_);
    slots.useAllocator(*deviceAllocator_);
  }

  // State of a kernel family that lives as long as the instance (for example compiled primitives), made on first use.
  template <class T>
  T& state() {
    static char key = 0;
    std::shared_ptr<void>& held = states_[&key];
    if (!held) held = std::make_shared<T>();
    return *static_cast<T*>(held.get());
  }

  // Drops what state() holds; it is made again when it is next asked for.
  void forgetStates() { states_.clear(); }

 private:
  std::unordered_map<const void*, std::shared_ptr<void>> states_;
};

// Uninitialised working memory of a kernel, given back to the reuse cache at the end of the scope.
template <class T>
class Scratch {
 public:
  Scratch(Context& context, int64_t count) : allocator_(context.allocator) {
    data_ = static_cast<T*>(allocator_.allocate(static_cast<size_t>(count) * sizeof(T), capacity_));
  }
  ~Scratch() { allocator_.release(data_, capacity_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() { return data_; }
  T& operator[](int64_t i) { return data_[i]; }

 private:
  Allocator& allocator_;
  size_t capacity_ = 0;
  T* data_ = nullptr;
};

}  // namespace uc

// Integer handles to buffers. A slot id stays valid until it is released; ids are reused.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "allocator.h"
#include "phys.h"

namespace uc {

// What a kernel has derived from the values of a slot, such as a copy in another order.
struct DerivedValues {
  virtual ~DerivedValues() = default;
};

struct Buffer {
  void* data = nullptr;
  int64_t count = 0;
  size_t capacity = 0;
  Phys phys = Phys::F32;
  // Lives no longer than the values: gone when the slot is released or changed in place.
  std::shared_ptr<DerivedValues> derived;
};

class SlotTable {
 public:
  explicit SlotTable(Allocator& allocator) : allocator_(&allocator) {}
  ~SlotTable();
  SlotTable(const SlotTable&) = delete;
  SlotTable& operator=(const SlotTable&) = delete;

  // A new buffer of `count` uninitialised elements.
  int32_t create(int64_t count, Phys phys);
  // Throws KernelError when `slot` names no live buffer.
  Buffer& at(int32_t slot);
  // The values of `slot` are about to be changed in place.
  void changed(int32_t slot) { at(slot).derived.reset(); }
  void release(int32_t slot);
  size_t liveBuffers() const { return live_; }
  // Takes memory from another allocator from now on; only while there is no live buffer.
  void useAllocator(Allocator& allocator);

 private:
  Allocator* allocator_;
  std::vector<Buffer> buffers_;
  std::vector<int32_t> free_;
  size_t live_ = 0;
};

}  // namespace uc

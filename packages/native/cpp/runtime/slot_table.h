// Integer handles to buffers. A slot id stays valid until it is released; ids are reused.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "allocator.h"
#include "mapped_file.h"
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
  // The file that the values lie in; absent for memory of the allocator.
  std::shared_ptr<const MappedFile> file;

  bool readOnly() const { return file != nullptr; }
  size_t bytes() const { return static_cast<size_t>(count) * bytesOf(phys); }
};

class SlotTable {
 public:
  explicit SlotTable(Allocator& allocator) : allocator_(&allocator) {}
  ~SlotTable();
  SlotTable(const SlotTable&) = delete;
  SlotTable& operator=(const SlotTable&) = delete;

  // A new buffer of `count` uninitialised elements.
  int32_t create(int64_t count, Phys phys);
  // `count` elements at byte `offset` of a mapped file; kernels may read them only. Throws KernelError when they leave the
  // file or `offset` is not a multiple of the element size.
  int32_t map(std::shared_ptr<const MappedFile> file, int64_t offset, int64_t count, Phys phys);
  // Throws KernelError when `slot` names no live buffer.
  Buffer& at(int32_t slot);
  // The values of `slot` are about to be changed in place.
  void changed(int32_t slot) { at(slot).derived.reset(); }
  void release(int32_t slot);
  // Buffers that hold memory of the allocator; those in mapped files are not among them.
  size_t liveBuffers() const { return live_; }
  size_t mappedBytes() const { return mappedBytes_; }
  // Takes memory from another allocator from now on; only while there is no live buffer.
  void useAllocator(Allocator& allocator);

 private:
  int32_t insert(Buffer buffer);
  void drop(Buffer& buffer);

  Allocator* allocator_;
  std::vector<Buffer> buffers_;
  std::vector<int32_t> free_;
  size_t live_ = 0;
  size_t mappedBytes_ = 0;
};

}  // namespace uc

// A file mapped read-only into memory, shared by the slots that lie in it; unmapped when the last of them is released.
//
// The mapping belongs to an open descriptor, so it is the file whose header was read, whatever has happened to its name
// since. As with every mapping, a file that another process cuts short while it is in use ends this process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace uc {

// What will happen to a range of a mapping, as in madvise(2).
enum class Advice : uint8_t {
  WillNeed = 0,  // start reading it from the disk, do not wait
  Load = 1,      // read it now
  Release = 2,   // give its pages back; they are read again when they are touched
};

class MappedFile {
 public:
  // Maps the regular file behind `descriptor`, which must be `length` bytes long. The descriptor may be closed afterwards.
  // Throws KernelError.
  static std::shared_ptr<MappedFile> open(int descriptor, int64_t length);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // Address of bytes [offset, offset + bytes). Throws KernelError when they leave the file.
  void* at(int64_t offset, int64_t bytes) const;

 private:
  MappedFile(void* start, size_t length) : start_(start), length_(length) {}
  void* start_;
  size_t length_;
};

// Advises the kernel about the pages of a mapped range. Release leaves pages alone that the range only touches partly.
void advise(void* from, size_t bytes, Advice advice);

}  // namespace uc

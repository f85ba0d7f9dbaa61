#include "mapped_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "tensor.h"

// Linux 5.14; older headers and kernels lack it, then the pages are touched one by one.
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

namespace uc {

std::shared_ptr<MappedFile> MappedFile::open(int descriptor, int64_t length) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) fail(std::string("the file cannot be mapped: ") + std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail("only regular files can be mapped");
  if (length <= 0 || status.st_size != length) {
    fail("expected a file of " + std::to_string(length) + " bytes, found " + std::to_string(status.st_size) +
         "; it has changed since it was opened");
  }
  void* start = mmap(nullptr, static_cast<size_t>(length), PROT_READ, MAP_SHARED, descriptor, 0);
  if (start == MAP_FAILED) fail(std::string("the file cannot be mapped: ") + std::strerror(errno));
  return std::shared_ptr<MappedFile>(new MappedFile(start, static_cast<size_t>(length)));
}

MappedFile::~MappedFile() { munmap(start_, length_); }

void* MappedFile::at(int64_t offset, int64_t bytes) const {
  const int64_t length = static_cast<int64_t>(length_);
  if (offset < 0 || bytes < 0 || offset > length || bytes > length - offset) {
    fail("bytes " + std::to_string(offset) + " to " + std::to_string(offset) + " + " + std::to_string(bytes) +
         " leave the mapped file of " + std::to_string(length));
  }
  return static_cast<char*>(start_) + offset;
}

void advise(void* from, size_t bytes, Advice advice) {
  if (bytes == 0) return;
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t address = reinterpret_cast<uintptr_t>(from);
  uintptr_t begin = address / page * page;
  uintptr_t end = (address + bytes + page - 1) / page * page;
  if (advice == Advice::Release) {
    begin = (address + page - 1) / page * page;
    end = (address + bytes) / page * page;
    if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    return;
  }
  void* start = reinterpret_cast<void*>(begin);
  if (advice == Advice::WillNeed) {
    madvise(start, end - begin, MADV_WILLNEED);
  } else if (madvise(start, end - begin, MADV_POPULATE_READ) != 0) {
    for (uintptr_t at = address; at < address + bytes; at += page) {
      static_cast<void>(*reinterpret_cast<const volatile char*>(at));
    }
  }
}

}  // namespace uc

// Dims and the view of a slot that a kernel works on.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>

#include "phys.h"

namespace uc {

// What went wrong inside a kernel; Registry::run adds the kernel's name and the shapes that it had read.
struct KernelError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] inline void fail(const std::string& message) { throw KernelError(message); }

// A shape of at most kMaxRank dimensions. Sizes are not negative and their product fits in 2^46 elements.
class Dims {
 public:
  static constexpr int kMaxRank = 8;

  Dims() = default;
  Dims(std::initializer_list<int64_t> sizes) {
    for (int64_t size : sizes) push(size);
  }

  void push(int64_t size) {
    if (rank_ == kMaxRank) fail("a shape of more than " + std::to_string(kMaxRank) + " dimensions");
    if (size < 0) fail("a negative dimension " + std::to_string(size));
    sizes_[rank_++] = size;
  }
  int rank() const { return rank_; }
  int64_t operator[](int i) const { return sizes_[i]; }
  int64_t& operator[](int i) { return sizes_[i]; }
  int64_t last() const { return rank_ == 0 ? 1 : sizes_[rank_ - 1]; }
  // Number of rows of `last()` elements; a scalar is one row.
  int64_t rows() const { return rank_ == 0 ? 1 : product(0, rank_ - 1); }
  // The same shape with another last dimension.
  Dims withLast(int64_t size) const {
    if (rank_ == 0) fail("a tensor of at least one dimension is needed");
    Dims dims = *this;
    dims.sizes_[rank_ - 1] = size;
    return dims;
  }

  // Number of elements of dimensions [from, to).
  int64_t product(int from, int to) const {
    int64_t n = 1;
    for (int i = from; i < to; ++i) {
      if (sizes_[i] != 0 && n > (int64_t{1} << 46) / sizes_[i]) fail("a shape of too many elements " + text());
      n *= sizes_[i];
    }
    return n;
  }
  int64_t count() const { return product(0, rank_); }

  bool operator==(const Dims& other) const {
    if (rank_ != other.rank_) return false;
    for (int i = 0; i < rank_; ++i) {
      if (sizes_[i] != other.sizes_[i]) return false;
    }
    return true;
  }
  bool operator!=(const Dims& other) const { return !(*this == other); }

  std::string text() const {
    std::string s = "[";
    for (int i = 0; i < rank_; ++i) s += (i ? "," : "") + std::to_string(sizes_[i]);
    return s + "]";
  }

 private:
  int rank_ = 0;
  int64_t sizes_[kMaxRank] = {};
};

// A view of a slot (or of an immediate scalar, then slot is -1). It owns nothing.
struct Tensor {
  void* data = nullptr;
  int64_t count = 0;
  Phys phys = Phys::F32;
  int32_t slot = -1;
  Dims dims;

  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  float* f32() const { return as<float>(); }
  bf16* b16() const { return as<bf16>(); }
  int32_t* i32() const { return as<int32_t>(); }
  uint8_t* u8() const { return as<uint8_t>(); }

  // An immediate scalar of the command block does not take part in type promotion.
  bool immediate() const { return slot < 0; }
  int64_t bytes() const { return count * static_cast<int64_t>(bytesOf(phys)); }
};

}  // namespace uc

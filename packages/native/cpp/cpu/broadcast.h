// NumPy broadcasting and chunked access to operands of any layout and physical type.
//
// Elementwise kernels walk the output in chunks that stay in the first-level cache. An operand that is contiguous and
// already of the computing type is used in place; otherwise the chunk is gathered and converted into a small buffer,
// so that one plain loop per operation is all that has to be compiled (and vectorised).
#pragma once

#include <algorithm>
#include <array>

#include "../runtime/tensor.h"

namespace uc {

constexpr int64_t kChunk = 2048;

// Shape of `a op b`; throws when they do not broadcast.
Dims broadcastShapes(const Dims& a, const Dims& b);

// How a tensor of shape `from` is read when it is broadcast to `to`: collapsed dimensions with strides in elements.
struct BroadcastMap {
  int rank = 0;
  std::array<int64_t, Dims::kMaxRank> sizes{};
  std::array<int64_t, Dims::kMaxRank> strides{};

  BroadcastMap(const Dims& from, const Dims& to);
  bool contiguous() const { return rank == 0 || (rank == 1 && strides[0] == 1); }
  bool scalar() const { return rank == 0 || (rank == 1 && strides[0] == 0); }
};

// As JavaScript's ToInt32 for values of moderate size: truncation, wrap-around, 0 for a NaN.
inline int32_t toInt32(float v) { return v != v ? 0 : static_cast<int32_t>(static_cast<int64_t>(v)); }

template <class T>
inline void convertRun(const Tensor& t, int64_t from, int64_t n, T* to);

template <>
inline void convertRun<float>(const Tensor& t, int64_t from, int64_t n, float* to) {
  switch (t.phys) {
    case Phys::F32:
      std::memcpy(to, t.f32() + from, static_cast<size_t>(n) * 4);
      return;
    case Phys::BF16:
      widen(t.b16() + from, to, n);
      return;
    case Phys::I32:
      for (int64_t i = 0; i < n; ++i) to[i] = static_cast<float>(t.i32()[from + i]);
      return;
    case Phys::U8:
      for (int64_t i = 0; i < n; ++i) to[i] = t.u8()[from + i];
      return;
  }
}

template <>
inline void convertRun<int32_t>(const Tensor& t, int64_t from, int64_t n, int32_t* to) {
  if (t.phys == Phys::I32) {
    std::memcpy(to, t.i32() + from, static_cast<size_t>(n) * 4);
  } else if (t.phys == Phys::U8) {
    for (int64_t i = 0; i < n; ++i) to[i] = t.u8()[from + i];
  } else {
    for (int64_t i = 0; i < n; ++i) {
      to[i] = toInt32(t.phys == Phys::F32 ? t.f32()[from + i] : toFloat(t.b16()[from + i]));
    }
  }
}

template <>
inline void convertRun<uint8_t>(const Tensor& t, int64_t from, int64_t n, uint8_t* to) {
  if (t.phys == Phys::U8) {
    std::memcpy(to, t.u8() + from, static_cast<size_t>(n));
  } else {
    for (int64_t i = 0; i < n; ++i) {
      to[i] = t.phys == Phys::I32 ? t.i32()[from + i] != 0
              : t.phys == Phys::F32 ? t.f32()[from + i] != 0
                                    : toFloat(t.b16()[from + i]) != 0;
    }
  }
}

template <class T>
constexpr Phys physOf();
template <>
constexpr Phys physOf<float>() {
  return Phys::F32;
}
template <>
constexpr Phys physOf<int32_t>() {
  return Phys::I32;
}
template <>
constexpr Phys physOf<uint8_t>() {
  return Phys::U8;
}

// Reads chunks of an operand as T, in the order of the output. One reader per thread.
template <class T>
class ChunkReader {
 public:
  ChunkReader(const Tensor& tensor, const BroadcastMap& map) : tensor_(tensor), map_(map) {
    direct_ = map.contiguous() && tensor.phys == physOf<T>();
    if (map.scalar()) {
      T value{};
      if (tensor.count > 0) convertRun<T>(tensor, 0, 1, &value);
      std::fill(buffer_, buffer_ + kChunk, value);
    }
  }

  // Elements [start, start + n) of the broadcast operand, n <= kChunk.
  const T* read(int64_t start, int64_t n) {
    if (direct_) return tensor_.as<T>() + start;
    if (map_.scalar()) return buffer_;
    if (map_.contiguous()) {
      convertRun<T>(tensor_, start, n, buffer_);
      return buffer_;
    }
    gather(start, n);
    return buffer_;
  }

 private:
  void gather(int64_t start, int64_t n) {
    const int last = map_.rank - 1;
    std::array<int64_t, Dims::kMaxRank> at;
    int64_t rest = start;
    int64_t offset = 0;
    for (int d = last; d >= 0; --d) {
      at[d] = rest % map_.sizes[d];
      rest /= map_.sizes[d];
      offset += at[d] * map_.strides[d];
    }
    T* to = buffer_;
    while (n > 0) {
      const int64_t run = std::min(n, map_.sizes[last] - at[last]);
      if (map_.strides[last] == 1) {
        convertRun<T>(tensor_, offset, run, to);
      } else {
        T value;
        convertRun<T>(tensor_, offset, 1, &value);
        std::fill(to, to + run, value);
      }
      to += run;
      n -= run;
      offset += run * map_.strides[last];
      at[last] += run;
      for (int d = last; d > 0 && at[d] == map_.sizes[d]; --d) {
        offset += map_.strides[d - 1] - at[d] * map_.strides[d];
        at[d] = 0;
        ++at[d - 1];
      }
    }
  }

  const Tensor& tensor_;
  const BroadcastMap& map_;
  bool direct_;
  alignas(64) T buffer_[kChunk];
};

// Where a kernel writes a chunk: directly into an f32 output, or into a buffer that is narrowed to bf16.
class ChunkWriter {
 public:
  explicit ChunkWriter(const Tensor& tensor) : tensor_(tensor) {}
  float* begin(int64_t start) { return tensor_.phys == Phys::F32 ? tensor_.f32() + start : buffer_; }
  void end(int64_t start, int64_t n) {
    if (tensor_.phys == Phys::BF16) narrow(buffer_, tensor_.b16() + start, n);
  }

 private:
  const Tensor& tensor_;
  alignas(64) float buffer_[kChunk];
};

}  // namespace uc

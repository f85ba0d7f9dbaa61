// How kernels see tensors: float operands of either physical type (or one value from the command), and broadcasting.
#pragma once

#include "../cpu/broadcast.h"
#include "../runtime/tensor.h"
#include "kernel.h"

namespace uc {

// Reads and writes float32 values stored as f32 or bf16; an immediate scalar is one value for every index.
struct Floats {
  void* data;
  bool narrow;
  float value;

  // An absent or immediate tensor is handled by value; i32 and u8 tensors must not be given.
  explicit Floats(const Tensor& t)
      : data(t.immediate() ? nullptr : t.data), narrow(t.phys == Phys::BF16), value(t.immediate() && t.data ? *t.f32() : 0) {}

  UC_HD float operator[](int64_t i) const {
    if (data == nullptr) return value;
    return narrow ? toFloat(static_cast<const bf16*>(data)[i]) : static_cast<const float*>(data)[i];
  }
  UC_HD void put(int64_t i, float v) const {
    if (narrow) {
      static_cast<bf16*>(data)[i] = toBf16(v);
    } else {
      static_cast<float*>(data)[i] = v;
    }
  }
};

struct Four {
  float v[4];
};

// Elements 4 i to 4 i + 3 in one access of 16 bytes (f32) or 8 (bf16); slots are aligned to more than that.
UC_HD inline Four loadFour(const Floats& from, int64_t i) {
  struct alignas(8) Narrow {
    bf16 v[4];
  };
  struct alignas(16) Wide {
    float v[4];
  };
  if (from.data == nullptr) return {{from.value, from.value, from.value, from.value}};
  Four four;
  if (from.narrow) {
    const Narrow values = static_cast<const Narrow*>(from.data)[i];
    for (int k = 0; k < 4; ++k) four.v[k] = toFloat(values.v[k]);
  } else {
    const Wide values = static_cast<const Wide*>(from.data)[i];
    for (int k = 0; k < 4; ++k) four.v[k] = values.v[k];
  }
  return four;
}

UC_HD inline void storeFour(const Floats& to, int64_t i, const Four& four) {
  struct alignas(8) Narrow {
    bf16 v[4];
  };
  struct alignas(16) Wide {
    float v[4];
  };
  if (to.narrow) {
    Narrow values;
    for (int k = 0; k < 4; ++k) values.v[k] = toBf16(four.v[k]);
    static_cast<Narrow*>(to.data)[i] = values;
  } else {
    Wide values;
    for (int k = 0; k < 4; ++k) values.v[k] = four.v[k];
    static_cast<Wide*>(to.data)[i] = values;
  }
}

// out[i] = f(a[i]) for dense tensors of n values: four per thread, the last ones singly.
template <class F>
void mapOne(Context& context, int64_t n, const Floats& a, const Floats& out, const F& f) {
  const int64_t fours = n / 4;
  forEach(context, fours + n % 4, [=] __device__(int64_t i) {
    if (i >= fours) {
      const int64_t at = 3 * fours + i;
      return out.put(at, f(a[at]));
    }
    Four x = loadFour(a, i);
    for (int k = 0; k < 4; ++k) x.v[k] = f(x.v[k]);
    storeFour(out, i, x);
  });
}

// out[i] = f(a[i], b[i])
template <class F>
void mapTwo(Context& context, int64_t n, const Floats& a, const Floats& b, const Floats& out, const F& f) {
  const int64_t fours = n / 4;
  forEach(context, fours + n % 4, [=] __device__(int64_t i) {
    if (i >= fours) {
      const int64_t at = 3 * fours + i;
      return out.put(at, f(a[at], b[at]));
    }
    Four x = loadFour(a, i);
    const Four y = loadFour(b, i);
    for (int k = 0; k < 4; ++k) x.v[k] = f(x.v[k], y.v[k]);
    storeFour(out, i, x);
  });
}

// As JavaScript's ToInt32 for values of moderate size: truncation, wrap-around, 0 for a NaN.
UC_HD inline int32_t wholeOf(float v) { return v != v ? 0 : static_cast<int32_t>(static_cast<int64_t>(v)); }

template <class T>
UC_HD inline T convertTo(float v);
template <>
UC_HD inline float convertTo<float>(float v) {
  return v;
}
template <>
UC_HD inline int32_t convertTo<int32_t>(float v) {
  return wholeOf(v);
}
template <>
UC_HD inline uint8_t convertTo<uint8_t>(float v) {
  return v != 0;
}

// Reads any tensor as T.
template <class T>
struct Operand {
  const void* data;
  Phys phys;
  T value;

  explicit Operand(const Tensor& t) : data(t.immediate() ? nullptr : t.data), phys(t.phys), value{} {
    if (t.immediate() && t.data) value = at(t.data, 0);
  }
  UC_HD T operator[](int64_t i) const { return data == nullptr ? value : at(data, i); }

 private:
  UC_HD T at(const void* from, int64_t i) const {
    switch (phys) {
      case Phys::F32:
        return convertTo<T>(static_cast<const float*>(from)[i]);
      case Phys::BF16:
        return convertTo<T>(toFloat(static_cast<const bf16*>(from)[i]));
      case Phys::I32:
        if constexpr (sizeof(T) == 1) return static_cast<const int32_t*>(from)[i] != 0;
        return static_cast<T>(static_cast<const int32_t*>(from)[i]);
      default:
        return static_cast<T>(static_cast<const uint8_t*>(from)[i]);
    }
  }
};

// Index of an element of a broadcast operand for each index of the output.
struct BroadcastIndex {
  int rank = 0;
  int64_t sizes[Dims::kMaxRank] = {}, strides[Dims::kMaxRank] = {};

  BroadcastIndex(const Dims& from, const Dims& to) {
    const BroadcastMap map(from, to);
    rank = map.contiguous() && map.rank == 1 ? -1 : map.rank;
    for (int d = 0; d < map.rank; ++d) {
      sizes[d] = map.sizes[d];
      strides[d] = map.strides[d];
    }
  }
  // The operand is read in order (or is one value): its index is that of the output.
  bool dense() const { return rank <= 0; }
  UC_HD int64_t operator()(int64_t i) const {
    if (rank < 0) return i;
    int64_t at = 0;
    for (int d = rank - 1; d >= 0; --d) {
      at += i % sizes[d] * strides[d];
      i /= sizes[d];
    }
    return at;
  }
};

// Copies or converts the elements of a float tensor.
void convertFloats(Context& context, const Tensor& from, const Tensor& to);
void zeroBytes(Context& context, const Tensor& t);
// Copies all bytes of a tensor that is on the device to another of the same size.
void copyBytes(Context& context, const Tensor& from, const Tensor& to);
// Sets every element to a value; defined in fill.cu.
void fillDevice(Context& context, const Tensor& t, double value);

// The tensor itself when it already has the wanted float type, else a converted copy on the device.
class DeviceConverted {
 public:
  DeviceConverted(Context& context, const Tensor& from, Phys phys);
  const Tensor& tensor() const { return tensor_; }

 private:
  Tensor tensor_;
  std::shared_ptr<DeviceScratch<char>> copy_;
};

}  // namespace uc

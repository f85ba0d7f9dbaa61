// Runs of float values in f32 working form: kernels compute on floats, whatever the physical type of the tensors.
#pragma once

#include <cstring>

#include "../runtime/tensor.h"

namespace uc {

// n values from element `at` on. f32 tensors are read where they lie; bf16 values are widened into `buffer`.
inline const float* readRow(const Tensor& t, int64_t at, int64_t n, float* buffer) {
  if (t.phys == Phys::F32) return t.f32() + at;
  widen(t.b16() + at, buffer, n);
  return buffer;
}

// Copies n values from element `at` on, converted to the type of `to`.
inline void copyRow(const Tensor& t, int64_t at, int64_t n, float* to) {
  if (t.phys == Phys::F32) {
    std::memcpy(to, t.f32() + at, static_cast<size_t>(n) * sizeof(float));
  } else {
    widen(t.b16() + at, to, n);
  }
}
inline void copyRow(const Tensor& t, int64_t at, int64_t n, bf16* to) {
  if (t.phys == Phys::F32) {
    narrow(t.f32() + at, to, n);
  } else {
    std::memcpy(to, t.b16() + at, static_cast<size_t>(n) * sizeof(bf16));
  }
}

// Where to compute n values of an output from element `at` on; writeRow() puts them into the tensor.
inline float* rowTarget(const Tensor& t, int64_t at, float* buffer) {
  return t.phys == Phys::F32 ? t.f32() + at : buffer;
}

inline void writeRow(const Tensor& t, int64_t at, int64_t n, const float* values) {
  if (t.phys == Phys::BF16) narrow(values, t.b16() + at, n);
}

// Puts n values that were computed elsewhere into the tensor.
inline void storeRow(const Tensor& t, int64_t at, int64_t n, const float* values) {
  if (t.phys == Phys::F32) std::memcpy(t.f32() + at, values, static_cast<size_t>(n) * sizeof(float));
  writeRow(t, at, n, values);
}

}  // namespace uc

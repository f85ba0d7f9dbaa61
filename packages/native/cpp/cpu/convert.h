// A float operand in the physical type that a kernel computes in.
#pragma once

#include <optional>

#include "../runtime/context.h"
#include "../runtime/parallel.h"
#include "../runtime/tensor.h"

namespace uc {

// Copies n float elements from one physical float type to another.
inline void convertFloats(const Tensor& from, void* to, Phys phys) {
  const size_t size = bytesOf(phys);
  parallelFor(from.count, 1, [&](int64_t begin, int64_t end) {
    if (from.phys == phys) {
      std::memcpy(static_cast<char*>(to) + begin * size, from.as<char>() + begin * size, (end - begin) * size);
    } else if (phys == Phys::F32) {
      widen(from.b16() + begin, static_cast<float*>(to) + begin, end - begin);
    } else {
      narrow(from.f32() + begin, static_cast<bf16*>(to) + begin, end - begin);
    }
  });
}

// The tensor itself when it already has the wanted type, else a converted copy that lives as long as this object.
class Converted {
 public:
  Converted(Context& context, const Tensor& from, Phys phys) : tensor_(from) {
    if (from.phys == phys) return;
    copy_.emplace(context, std::max<int64_t>(from.bytes() / static_cast<int64_t>(bytesOf(from.phys)), 1) *
                               static_cast<int64_t>(bytesOf(phys)));
    convertFloats(from, copy_->data(), phys);
    tensor_.data = copy_->data();
    tensor_.phys = phys;
  }
  const Tensor& tensor() const { return tensor_; }

 private:
  Tensor tensor_;
  std::optional<Scratch<char>> copy_;
};

// An output that a kernel computes in f32: its own memory, or working memory that store() narrows to bf16.
class FloatResult {
 public:
  FloatResult(Context& context, const Tensor& tensor) : tensor_(tensor), values_(tensor.f32()) {
    if (tensor.phys == Phys::F32) return;
    wide_.emplace(context, std::max<int64_t>(tensor.count, 1));
    values_ = wide_->data();
  }
  float* values() { return values_; }
  void store() {
    if (!wide_) return;
    parallelFor(tensor_.count, 1, [&](int64_t begin, int64_t end) {
      narrow(values_ + begin, tensor_.b16() + begin, end - begin);
    });
  }

 private:
  Tensor tensor_;
  float* values_;
  std::optional<Scratch<float>> wide_;
};

}  // namespace uc

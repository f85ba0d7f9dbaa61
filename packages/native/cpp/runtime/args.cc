#include "args.h"

namespace uc {

int64_t Args::integer() {
  if (ints_ == intEnd_) fail("the command has too few integers");
  return *ints_++;
}

double Args::real() {
  if (reals_ == realEnd_) fail("the command has too few reals");
  return *reals_++;
}

Dims Args::dims() {
  const int64_t rank = integer();
  if (rank < 0 || rank > Dims::kMaxRank) fail("a shape of rank " + std::to_string(rank));
  Dims dims;
  for (int64_t i = 0; i < rank; ++i) dims.push(integer());
  return dims;
}

std::vector<int64_t> Args::integers() {
  const int64_t length = integer();
  if (length < 0 || length > intEnd_ - ints_) fail("a list of length " + std::to_string(length));
  std::vector<int64_t> values(ints_, ints_ + length);
  ints_ += length;
  return values;
}

Tensor Args::read(bool optional) {
  int64_t slot = integer();
  if (slot == kChanged) {
    slot = integer();
    context_.slots.changed(static_cast<int32_t>(slot));
  }
  Tensor tensor;
  if (slot == -1) {
    if (!optional) fail("a tensor is missing");
    return tensor;
  }
  if (slot < -1) {
    const int64_t phys = -2 - slot;
    if (phys > static_cast<int64_t>(Phys::U8)) fail("an immediate of unknown type " + std::to_string(phys));
    tensor.dims = dims();
    if (tensor.dims.count() != 1) fail("an immediate scalar of shape " + tensor.dims.text());
    if (scalarCount_ == kScalars) fail("too many immediate scalars");
    Scalar& scalar = scalars_[scalarCount_++];
    const double value = real();
    tensor.phys = static_cast<Phys>(phys);
    if (tensor.phys == Phys::I32) {
      scalar.i32 = static_cast<int32_t>(static_cast<int64_t>(value == value ? value : 0));
    } else if (tensor.phys == Phys::U8) {
      scalar.u8 = value != 0;
    } else {
      tensor.phys = Phys::F32;
      scalar.f32 = static_cast<float>(value);
    }
    tensor.data = &scalar;
    tensor.count = 1;
  } else {
    const Buffer& buffer = context_.slots.at(static_cast<int32_t>(slot));
    tensor.slot = static_cast<int32_t>(slot);
    tensor.data = staging_ ? staging_->copyOf(tensor.slot, true) : buffer.data;
    tensor.count = buffer.count;
    tensor.phys = buffer.phys;
    tensor.dims = dims();
    if (tensor.dims.count() != tensor.count) {
      fail("shape " + tensor.dims.text() + " does not fit a buffer of " + std::to_string(tensor.count) + " elements");
    }
  }
  if (seenCount_ < kRemembered) seen_[seenCount_] = tensor;
  ++seenCount_;
  return tensor;
}

Tensor Args::tensor() { return read(false); }

Tensor Args::optionalTensor() { return read(true); }

Tensor Args::floatTensor() {
  const Tensor t = read(false);
  if (!isFloat(t.phys)) fail("expected a float32 tensor, got " + std::string(nameOf(t.phys)));
  return t;
}

Tensor Args::intTensor() {
  const Tensor t = read(false);
  if (t.phys != Phys::I32) fail("expected an int32 tensor, got " + std::string(nameOf(t.phys)));
  return t;
}

Tensor Args::targetTensor() {
  const Tensor t = floatTensor();
  if (t.slot >= 0 && context_.slots.at(t.slot).readOnly()) {
    fail("a tensor that is mapped from a file cannot be changed in place; load it as a variable");
  }
  return t;
}

void Args::finish() const {
  if (ints_ != intEnd_ || reals_ != realEnd_) fail("the command has more arguments than the kernel reads");
}

std::string Args::described() const {
  std::string text;
  for (int i = 0; i < seenCount_ && i < kRemembered; ++i) {
    text += (i ? ", " : "") + seen_[i].dims.text() + " " + nameOf(seen_[i].phys);
  }
  return seenCount_ > kRemembered ? text + ", ..." : text;
}

Results::~Results() {
  if (committed_) return;
  for (int32_t slot : slots_) context_.slots.release(slot);
}

Tensor Results::make(const Dims& dims, Phys phys) {
  Tensor tensor;
  tensor.dims = dims;
  tensor.count = dims.count();
  tensor.phys = phys;
  slots_.reserve(slots_.size() + 1);
  tensor.slot = context_.slots.create(tensor.count, phys);
  slots_.push_back(tensor.slot);
  tensor.data = staging_ ? staging_->copyOf(tensor.slot, false) : context_.slots.at(tensor.slot).data;
  return tensor;
}

}  // namespace uc

// Kernels that make values from attributes alone. Memory bound: one write per element.
#include "../cpu/register.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

template <class T>
void fillWith(Context& context, const Tensor& y, T value) {
  T* out = y.as<T>();
  forEach(context, y.count, [=] __device__(int64_t i) { out[i] = value; });
}

// dims, phys, value -> tensor
void fill(Context& context, Args& args, Results& results) {
  const Dims dims = args.dims();
  const Phys phys = physArgument(args);
  fillDevice(context, results.make(dims, phys), args.real());
}

// count, phys, start, step -> start + i step.
void range(Context& context, Args& args, Results& results) {
  const Dims dims{args.integer()};
  const Phys phys = physArgument(args);
  const double start = args.real();
  const double step = args.real();
  const Tensor y = results.make(dims, phys);
  if (phys == Phys::F32) {
    float* out = y.f32();
    forEach(context, y.count, [=] __device__(int64_t i) { out[i] = static_cast<float>(start + i * step); });
  } else if (phys == Phys::I32) {
    int32_t* out = y.i32();
    forEach(context, y.count, [=] __device__(int64_t i) {
      out[i] = static_cast<int32_t>(static_cast<int64_t>(start + i * step));
    });
  } else {
    fail("a range is float32 or int32");
  }
}

}  // namespace

void fillDevice(Context& context, const Tensor& y, double value) {
  switch (y.phys) {
    case Phys::F32:
      return fillWith(context, y, static_cast<float>(value));
    case Phys::BF16:
      return fillWith(context, y, toBf16(static_cast<float>(value)));
    case Phys::I32:
      return fillWith(context, y, static_cast<int32_t>(value));
    case Phys::U8:
      return fillWith(context, y, static_cast<uint8_t>(value != 0));
  }
}

void registerCudaFill(Registry& r) {
  r.addCuda("Fill", fill);
  r.addCuda("Range", range);
}

}  // namespace uc

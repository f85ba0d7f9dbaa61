// Kernels that make values from attributes alone.
#include <algorithm>

#include "../runtime/parallel.h"
#include "register.h"

namespace uc {

namespace {

template <class T>
void fillWith(const Tensor& out, T value) {
  parallelFor(out.count, 1, [&](int64_t begin, int64_t end) { std::fill(out.as<T>() + begin, out.as<T>() + end, value); });
}

}  // namespace

Phys physArgument(Args& args) {
  const int64_t phys = args.integer();
  if (phys < 0 || phys > static_cast<int64_t>(Phys::U8)) fail("unknown physical type " + std::to_string(phys));
  return static_cast<Phys>(phys);
}

void registerFill(Registry& registry) {
  // dims, phys, value -> tensor
  registry.add("Fill", [](Context&, Args& args, Results& results) {
    const Dims dims = args.dims();
    const Phys phys = physArgument(args);
    const double value = args.real();
    const Tensor out = results.make(dims, phys);
    switch (phys) {
      case Phys::F32:
        return fillWith(out, static_cast<float>(value));
      case Phys::BF16:
        return fillWith(out, toBf16(static_cast<float>(value)));
      case Phys::I32:
        return fillWith(out, static_cast<int32_t>(value));
      case Phys::U8:
        return fillWith(out, static_cast<uint8_t>(value != 0));
    }
  });
  // count, phys, start, step -> start + i step.
  registry.add("Range", [](Context&, Args& args, Results& results) {
    const Dims dims{args.integer()};
    const Phys phys = physArgument(args);
    const double start = args.real();
    const double step = args.real();
    const Tensor out = results.make(dims, phys);
    if (phys != Phys::F32 && phys != Phys::I32) fail("a range is float32 or int32");
    for (int64_t i = 0; i < out.count; ++i) {
      const double value = start + static_cast<double>(i) * step;
      if (phys == Phys::F32) {
        out.f32()[i] = static_cast<float>(value);
      } else {
        out.i32()[i] = static_cast<int32_t>(static_cast<int64_t>(value));
      }
    }
  });
}

}  // namespace uc

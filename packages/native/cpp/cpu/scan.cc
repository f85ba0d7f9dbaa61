// Running sums and products along the last dimension.
#include "../runtime/parallel.h"
#include "broadcast.h"
#include "convert.h"
#include "register.h"

namespace uc {

namespace {

template <class T, bool kSum>
void scanRows(const T* x, T* y, int64_t rows, int64_t n, bool exclusive, bool reverse) {
  parallelFor(rows, n, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      T total = kSum ? T{0} : T{1};
      for (int64_t i = 0; i < n; ++i) {
        const int64_t at = row * n + (reverse ? n - 1 - i : i);
        const T before = total;
        total = kSum ? total + x[at] : total * x[at];
        y[at] = exclusive ? before : total;
      }
    }
  });
}

// x, exclusive, reverse -> the scan along the last dimension; f32 for float32 inputs.
template <bool kSum>
void scan(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const bool exclusive = args.flag();
  const bool reverse = args.flag();
  const int64_t n = x.dims.last();
  const int64_t rows = n == 0 ? 0 : x.count / n;
  if (x.phys == Phys::I32) {
    const Tensor y = results.make(x.dims, Phys::I32);
    scanRows<uint32_t, kSum>(x.as<uint32_t>(), y.as<uint32_t>(), rows, n, exclusive, reverse);
  } else if (isFloat(x.phys)) {
    const Tensor y = results.make(x.dims, Phys::F32);
    const Converted wide(context, x, Phys::F32);
    scanRows<float, kSum>(wide.tensor().f32(), y.f32(), rows, n, exclusive, reverse);
  } else {
    fail("a bool tensor is not supported");
  }
}

}  // namespace

void registerScan(Registry& r) {
  r.add("Cumsum", scan<true>);
  r.add("Cumprod", scan<false>);
}

}  // namespace uc

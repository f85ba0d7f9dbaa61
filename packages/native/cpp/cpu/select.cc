// Select: t where the condition holds, else e. The condition has the shape of t and e, or one value per leading row.
#include "../runtime/parallel.h"
#include "broadcast.h"
#include "register.h"

namespace uc {

namespace {

template <class T>
void selectRows(const Tensor& condition, const Tensor& t, const Tensor& e, const Tensor& y, int64_t width) {
  const BroadcastMap mapT(t.dims, y.dims);
  const BroadcastMap mapE(e.dims, y.dims);
  parallelFor(y.count, 1, [&](int64_t begin, int64_t end) {
    ChunkReader<T> readT(t, mapT);
    ChunkReader<T> readE(e, mapE);
    T wide[kChunk];
    for (int64_t start = begin; start < end; start += kChunk) {
      const int64_t n = std::min(kChunk, end - start);
      const T* a = readT.read(start, n);
      const T* b = readE.read(start, n);
      T* out = y.phys == Phys::BF16 ? wide : y.as<T>() + start;
      if (width == 1) {
        const uint8_t* c = condition.u8() + start;
        for (int64_t i = 0; i < n; ++i) out[i] = c[i] ? a[i] : b[i];
      } else {
        for (int64_t i = 0; i < n; ++i) out[i] = condition.u8()[(start + i) / width] ? a[i] : b[i];
      }
      if constexpr (std::is_same_v<T, float>) {
        if (y.phys == Phys::BF16) narrow(wide, y.b16() + start, n);
      }
    }
  });
}

void select(Context&, Args& args, Results& results) {
  const Tensor condition = args.tensor();
  const Tensor t = args.tensor();
  const Tensor e = args.tensor();
  const Dims shape = args.dims();
  if (condition.phys != Phys::U8) fail("the condition must be bool");
  if (condition.count == 0 ? shape.count() != 0 : shape.count() % condition.count != 0) {
    fail("the condition does not fit the shape " + shape.text());
  }
  const int64_t width = condition.count == 0 ? 1 : shape.count() / condition.count;
  if (isFloat(t.phys) && isFloat(e.phys)) {
    const Phys phys = t.immediate() ? e.phys : e.immediate() ? t.phys : promote(t.phys, e.phys);
    selectRows<float>(condition, t, e, results.make(shape, phys), width);
  } else if (t.phys == e.phys && t.phys == Phys::I32) {
    selectRows<int32_t>(condition, t, e, results.make(shape, Phys::I32), width);
  } else if (t.phys == e.phys) {
    selectRows<uint8_t>(condition, t, e, results.make(shape, Phys::U8), width);
  } else {
    fail("the two branches have different types");
  }
}

}  // namespace

void registerSelect(Registry& r) { r.add("Select", select); }

}  // namespace uc

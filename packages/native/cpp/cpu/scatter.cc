// Scatters: sums over segments, ScatterNd, TensorScatterUpdate, OneHot. Sums of float32 are f32 whatever the input.
#include <algorithm>

#include "../runtime/parallel.h"
#include "broadcast.h"
#include "convert.h"
#include "register.h"

namespace uc {

namespace {

// rows of [n, inner] are added to (or, with set, stored in) row at(i) of y; negative positions are skipped.
// Threads own column ranges, so that no two of them write the same element and the order of additions is fixed.
template <class T, class At>
void scatterRows(const T* x, int64_t n, int64_t inner, T* y, bool set, const At& at) {
  parallelFor(
      inner, n,
      [&](int64_t begin, int64_t end) {
        for (int64_t i = 0; i < n; ++i) {
          const int64_t row = at(i);
          if (row < 0) continue;
          const T* from = x + i * inner;
          T* to = y + row * inner;
          if (set) {
            for (int64_t j = begin; j < end; ++j) to[j] = from[j];
          } else {
            for (int64_t j = begin; j < end; ++j) to[j] += from[j];
          }
        }
      },
      16);
}

template <class At>
void scatterAny(Context& context, const Tensor& x, int64_t n, int64_t inner, const Tensor& y, bool set, const At& at) {
  if (y.phys == Phys::F32) {
    const Converted wide(context, x, Phys::F32);
    scatterRows(wide.tensor().f32(), n, inner, y.f32(), set, at);
  } else if (y.phys == Phys::I32) {
    scatterRows(reinterpret_cast<const uint32_t*>(x.i32()), n, inner, y.as<uint32_t>(), set, at);
  } else if (y.phys == Phys::U8) {
    scatterRows(x.u8(), n, inner, y.u8(), set, at);
  } else {
    fail("an output of type bf16");
  }
}

// x [n, inner], ids [n], segments -> [segments, inner]. Rows with an id outside [0, segments) are dropped.
void unsortedSegmentSum(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Tensor ids = args.intTensor();
  const int64_t segments = args.integer();
  if (segments < 0) fail("a negative number of segments");
  const int64_t n = ids.count;
  if (n == 0 ? x.count != 0 : x.count % n != 0) fail("the ids do not fit the rows");
  const int64_t inner = n == 0 ? 0 : x.count / n;
  const Tensor y = results.make(Dims{segments, inner}, x.phys == Phys::BF16 ? Phys::F32 : x.phys);
  std::memset(y.data, 0, static_cast<size_t>(y.bytes()));
  scatterAny(context, x, n, inner, y, false, [&](int64_t i) -> int64_t {
    const int32_t id = ids.i32()[i];
    return id < segments ? id : -1;
  });
}

// base?, indices [n, depth], updates [n, inner], dims, set: without a base the output starts as zeros.
void scatterNd(Context& context, Args& args, Results& results) {
  const Tensor base = args.optionalTensor();
  const Tensor indices = args.intTensor();
  const Tensor updates = args.tensor();
  const int64_t depth = args.integer();
  const Dims dims = args.dims();
  const bool set = args.flag();
  if (depth < 1 || depth > dims.rank()) fail("an index depth of " + std::to_string(depth) + " for " + dims.text());
  const int64_t n = indices.count / depth;
  const int64_t inner = dims.product(static_cast<int>(depth), dims.rank());
  if (n * depth != indices.count || n * inner != updates.count) fail("the updates do not fit the indices");
  const auto row = [&](int64_t i) {
    int64_t at = 0;
    for (int64_t d = 0; d < depth; ++d) at = at * dims[static_cast<int>(d)] + indices.i32()[i * depth + d];
    return at;
  };
  for (int64_t i = 0; i < indices.count; ++i) {
    const int32_t index = indices.i32()[i];
    if (index < 0 || index >= dims[static_cast<int>(i % depth)]) {
      fail("Invalid indices: " + std::to_string(index) + " is outside dimension " + std::to_string(i % depth) + " of " +
           dims.text());
    }
  }
  const Phys phys = updates.phys == Phys::BF16 ? Phys::F32 : updates.phys;
  const Tensor y = results.make(dims, phys);
  if (base.data == nullptr) {
    std::memset(y.data, 0, static_cast<size_t>(y.bytes()));
  } else {
    if (base.dims != dims) fail("the tensor must have the shape " + dims.text());
    if (isFloat(base.phys) != isFloat(phys) || (!isFloat(phys) && base.phys != phys)) fail("the types differ");
    const Converted same(context, base, phys);
    std::memcpy(y.data, same.tensor().data, static_cast<size_t>(y.bytes()));
  }
  scatterAny(context, updates, n, inner, y, set, row);
}

// indices, depth, phys, on, off -> [..., depth]. Indices outside [0, depth) give rows of `off`.
void oneHot(Context&, Args& args, Results& results) {
  const Tensor indices = args.intTensor();
  const int64_t depth = args.integer();
  const Phys phys = physArgument(args);
  const double on = args.real();
  const double off = args.real();
  if (depth < 0) fail("a negative depth");
  const Tensor y = results.make(Dims{indices.count, depth}, phys);
  const auto write = [&](auto* to, auto one, auto zero) {
    parallelFor(indices.count, depth, [&](int64_t begin, int64_t end) {
      std::fill(to + begin * depth, to + end * depth, zero);
      for (int64_t i = begin; i < end; ++i) {
        const int32_t index = indices.i32()[i];
        if (index >= 0 && index < depth) to[i * depth + index] = one;
      }
    });
  };
  switch (phys) {
    case Phys::F32:
      return write(y.f32(), static_cast<float>(on), static_cast<float>(off));
    case Phys::BF16:
      return write(y.b16(), toBf16(static_cast<float>(on)), toBf16(static_cast<float>(off)));
    case Phys::I32:
      return write(y.i32(), static_cast<int32_t>(on), static_cast<int32_t>(off));
    case Phys::U8:
      return write(y.u8(), static_cast<uint8_t>(on != 0), static_cast<uint8_t>(off != 0));
  }
}

}  // namespace

void registerScatter(Registry& r) {
  r.add("UnsortedSegmentSum", unsortedSegmentSum);
  r.add("ScatterNd", scatterNd);
  r.add("OneHot", oneHot);
}

}  // namespace uc

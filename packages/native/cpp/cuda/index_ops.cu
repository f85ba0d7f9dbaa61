// Gathers, scatters, one-hot, select. Memory bound. Indices are checked on the device: one that is out of range is not used, and
// the next read of any value throws with the kernel's name (UNICHARACTER_CUDA_SYNC=1: the call itself throws).
#include "../cpu/register.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

// Copies out[i] = in[from(i)], whatever the type, where from(i) >= 0.
template <class T, class From>
void takeAs(Context& context, const Tensor& x, const Tensor& y, const From& from) {
  const T* in = x.as<T>();
  T* out = y.as<T>();
  forEach(context, y.count, [=] __device__(int64_t i) {
    const int64_t at = from(i);
    out[i] = at < 0 ? T{0} : in[at];
  });
}

template <class From>
void take(Context& context, const Tensor& x, const Tensor& y, const From& from) {
  if (bytesOf(x.phys) == 4) return takeAs<uint32_t>(context, x, y, from);
  if (bytesOf(x.phys) == 2) return takeAs<uint16_t>(context, x, y, from);
  takeAs<uint8_t>(context, x, y, from);
}

struct SliceIndex {
  const int32_t* indices;
  int64_t outer, n, inner, k;
  FaultReport faults;

  __device__ int64_t operator()(int64_t i) const {
    const int64_t row = i / inner, batch = row / (outer * k);
    const int64_t index = indices[batch * k + row % k];
    return faults.inRange(index, n) ? ((batch * outer + row / k % outer) * n + index) * inner + i % inner : -1;
  }
};

// x of [batch, outer, n, inner], indices of [batch, k] -> [batch, outer, k, inner].
void gather(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Tensor indices = args.intTensor();
  const int64_t batch = args.integer();
  SliceIndex from{indices.i32(), args.integer(), args.integer(), args.integer(), 0, cudaDevice(context).faults()};
  if (Dims{batch, from.outer, from.n, from.inner}.count() != x.count) fail("the extents do not cover the tensor");
  if (batch == 0 ? indices.count != 0 : indices.count % batch != 0) fail("the indices do not divide into the batches");
  from.k = batch == 0 ? 0 : indices.count / batch;
  take(context, x, results.make(Dims{batch, from.outer, from.k, from.inner}, x.phys), from);
}

// The element of a tensor that a row of `depth` indices names, in units of the rest of its shape.
struct RowIndex {
  const int32_t* indices;
  int64_t depth, sizes[Dims::kMaxRank];
  FaultReport faults;

  RowIndex(Context& context, const Tensor& indices, int64_t depth, const Dims& dims)
      : indices(indices.i32()), depth(depth), faults(cudaDevice(context).faults()) {
    for (int d = 0; d < depth; ++d) sizes[d] = dims[d];
  }
  // -1 when one of them is out of range.
  __device__ int64_t operator()(int64_t row) const {
    int64_t at = 0;
    for (int64_t d = 0; d < depth; ++d) {
      const int64_t index = indices[row * depth + d];
      if (!faults.inRange(index, sizes[d])) return -1;
      at = at * sizes[d] + index;
    }
    return at;
  }
};

struct GatherNdIndex {
  RowIndex row;
  int64_t inner;

  __device__ int64_t operator()(int64_t i) const {
    const int64_t at = row(i / inner);
    return at < 0 ? -1 : at * inner + i % inner;
  }
};

// x, indices [k, depth], depth, k: the first `depth` dimensions of x are indexed -> [k, inner].
void gatherNd(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Tensor indices = args.intTensor();
  const int64_t depth = args.integer();
  if (depth < 0 || depth > x.dims.rank()) fail("an index depth of " + std::to_string(depth));
  const int64_t inner = x.dims.product(static_cast<int>(depth), x.dims.rank());
  const int64_t k = args.integer();
  if (k < 0 || k * depth != indices.count) fail("the indices do not consist of whole rows");
  const Tensor y = results.make(Dims{k, inner}, x.phys);
  take(context, x, y, GatherNdIndex{RowIndex(context, indices, depth, x.dims), inner});
}

// Threads own columns of the output, so that no two write one element and additions keep their order.
template <class T, class At>
void scatterAs(Context& context, const Operand<T>& in, int64_t n, int64_t inner, T* out, bool set, const At& at) {
  forEach(context, inner, [=] __device__(int64_t column) {
    for (int64_t i = 0; i < n; ++i) {
      const int64_t row = at(i);
      if (row < 0) continue;
      T& to = out[row * inner + column];
      to = set ? in[i * inner + column] : static_cast<T>(to + in[i * inner + column]);
    }
  });
}

template <class At>
void scatterRows(Context& context, const Tensor& x, int64_t n, int64_t inner, const Tensor& y, bool set, const At& at) {
  if (y.phys == Phys::F32) return scatterAs(context, Operand<float>(x), n, inner, y.f32(), set, at);
  if (y.phys == Phys::I32) return scatterAs(context, Operand<int32_t>(x), n, inner, y.i32(), set, at);
  if (y.phys == Phys::U8) return scatterAs(context, Operand<uint8_t>(x), n, inner, y.u8(), set, at);
  fail("an output of type bf16");
}

struct SegmentRow {
  const int32_t* ids;
  int64_t segments;

  // Ids outside [0, segments) are dropped.
  UC_HD int64_t operator()(int64_t i) const { return ids[i] < segments ? ids[i] : -1; }
};

// x [n, inner], ids [n], segments -> [segments, inner].
void unsortedSegmentSum(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Tensor ids = args.intTensor();
  const int64_t segments = args.integer();
  if (segments < 0) fail("a negative number of segments");
  const int64_t n = ids.count;
  if (n == 0 ? x.count != 0 : x.count % n != 0) fail("the ids do not fit the rows");
  const int64_t inner = n == 0 ? 0 : x.count / n;
  const Tensor y = results.make(Dims{segments, inner}, x.phys == Phys::BF16 ? Phys::F32 : x.phys);
  zeroBytes(context, y);
  scatterRows(context, x, n, inner, y, false, SegmentRow{ids.i32(), segments});
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
  const Phys phys = updates.phys == Phys::BF16 ? Phys::F32 : updates.phys;
  const Tensor y = results.make(dims, phys);
  if (base.data == nullptr) {
    zeroBytes(context, y);
  } else {
    if (base.dims != dims) fail("the tensor must have the shape " + dims.text());
    if (isFloat(base.phys) != isFloat(phys) || (!isFloat(phys) && base.phys != phys)) fail("the types differ");
    if (isFloat(phys)) {
      convertFloats(context, base, y);
    } else {
      copyBytes(context, base, y);
    }
  }
  scatterRows(context, updates, n, inner, y, set, RowIndex(context, indices, depth, dims));
}

template <class T>
void oneHotAs(Context& context, const Tensor& indices, int64_t depth, const Tensor& y, T on, T off) {
  const int32_t* index = indices.i32();
  T* out = y.as<T>();
  forEach(context, y.count, [=] __device__(int64_t i) { out[i] = index[i / depth] == i % depth ? on : off; });
}

// indices, depth, phys, on, off -> [..., depth]. Indices outside [0, depth) give rows of `off`.
void oneHot(Context& context, Args& args, Results& results) {
  const Tensor indices = args.intTensor();
  const int64_t depth = args.integer();
  const Phys phys = physArgument(args);
  const double on = args.real();
  const double off = args.real();
  if (depth < 0) fail("a negative depth");
  const Tensor y = results.make(Dims{indices.count, depth}, phys);
  const float one = static_cast<float>(on), zero = static_cast<float>(off);
  switch (phys) {
    case Phys::F32:
      return oneHotAs(context, indices, depth, y, one, zero);
    case Phys::BF16:
      return oneHotAs(context, indices, depth, y, toBf16(one), toBf16(zero));
    case Phys::I32:
      return oneHotAs(context, indices, depth, y, static_cast<int32_t>(on), static_cast<int32_t>(off));
    case Phys::U8:
      return oneHotAs(context, indices, depth, y, static_cast<uint8_t>(on != 0), static_cast<uint8_t>(off != 0));
  }
}

template <class T>
void selectPlain(Context& context, const uint8_t* condition, const Tensor& t, const Tensor& e, const Tensor& y,
                 int64_t width) {
  const Operand<T> yes(t), no(e);
  const BroadcastIndex atYes(t.dims, y.dims), atNo(e.dims, y.dims);
  T* out = y.as<T>();
  forEach(context, y.count, [=] __device__(int64_t i) { out[i] = condition[i / width] ? yes[atYes(i)] : no[atNo(i)]; });
}

void selectFloats(Context& context, const uint8_t* condition, const Tensor& t, const Tensor& e, const Tensor& y,
                  int64_t width) {
  const Floats yes(t), no(e), out(y);
  const BroadcastIndex atYes(t.dims, y.dims), atNo(e.dims, y.dims);
  forEach(context, y.count,
          [=] __device__(int64_t i) { out.put(i, condition[i / width] ? yes[atYes(i)] : no[atNo(i)]); });
}

// condition, t, e, dims: t where the condition holds, else e. The condition has one value per element or per leading row.
void select(Context& context, Args& args, Results& results) {
  const Tensor condition = args.tensor();
  const Tensor t = args.tensor();
  const Tensor e = args.tensor();
  const Dims shape = args.dims();
  if (condition.phys != Phys::U8) fail("the condition must be bool");
  if (condition.immediate()) fail("the condition must be a tensor");
  if (condition.count == 0 ? shape.count() != 0 : shape.count() % condition.count != 0) {
    fail("the condition does not fit the shape " + shape.text());
  }
  const int64_t width = condition.count == 0 ? 1 : shape.count() / condition.count;
  if (isFloat(t.phys) && isFloat(e.phys)) {
    const Phys phys = t.immediate() ? e.phys : e.immediate() ? t.phys : promote(t.phys, e.phys);
    selectFloats(context, condition.u8(), t, e, results.make(shape, phys), width);
  } else if (t.phys == e.phys && t.phys == Phys::I32) {
    selectPlain<int32_t>(context, condition.u8(), t, e, results.make(shape, Phys::I32), width);
  } else if (t.phys == e.phys) {
    selectPlain<uint8_t>(context, condition.u8(), t, e, results.make(shape, Phys::U8), width);
  } else {
    fail("the two branches have different types");
  }
}

}  // namespace

void registerCudaIndexOps(Registry& r) {
  r.addCuda("GatherV2", gather);
  r.addCuda("GatherNd", gatherNd);
  r.addCuda("UnsortedSegmentSum", unsortedSegmentSum);
  r.addCuda("ScatterNd", scatterNd);
  r.addCuda("OneHot", oneHot);
  r.addCuda("Select", select);
}

}  // namespace uc

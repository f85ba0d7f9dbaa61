// Kernels that only move elements: strided copies, concatenation, padding, splitting. Memory bound.
#include "../cpu/strided_view.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

// A view with the arithmetic for its elements.
struct ViewIndex {
  int rank;
  int64_t offset, sizes[Dims::kMaxRank], strides[Dims::kMaxRank];

  ViewIndex(const View& view, int64_t start) : rank(view.rank), offset(start) {
    for (int d = 0; d < rank; ++d) {
      sizes[d] = view.sizes[d];
      strides[d] = view.strides[d];
    }
  }
  UC_HD int64_t operator()(int64_t i) const {
    int64_t at = offset;
    for (int d = rank - 1; d >= 0; --d) {
      at += i % sizes[d] * strides[d];
      i /= sizes[d];
    }
    return at;
  }
};

// dense[i] = view[at(i)], or the other way round.
template <class T>
void moveAs(Context& context, const ViewIndex& at, void* base, void* dense, int64_t count, bool read) {
  T* view = static_cast<T*>(base);
  T* plain = static_cast<T*>(dense);
  if (read) {
    forEach(context, count, [=] __device__(int64_t i) { plain[i] = view[at(i)]; });
  } else {
    forEach(context, count, [=] __device__(int64_t i) { view[at(i)] = plain[i]; });
  }
}

void move(Context& context, Phys phys, const ViewIndex& at, void* base, void* dense, int64_t count, bool read) {
  switch (bytesOf(phys)) {
    case 4:
      return moveAs<uint32_t>(context, at, base, dense, count, read);
    case 2:
      return moveAs<uint16_t>(context, at, base, dense, count, read);
    default:
      return moveAs<uint8_t>(context, at, base, dense, count, read);
  }
}

// x -> the same values in memory of their own: the fastest way to move bytes, which others are measured by.
void copy(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Tensor y = results.make(x.dims, x.phys);
  copyBytes(context, x, y);
}

// x, output dims, strides into x, offset into x -> the view as a dense tensor.
void stridedCopy(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Dims dims = args.dims();
  const std::vector<int64_t> strides = args.integers();
  const int64_t offset = args.integer();
  const View view = makeView(dims, strides, offset, x.count);
  const Tensor y = results.make(dims, x.phys);
  move(context, x.phys, {view, offset}, x.data, y.data, y.count, true);
}

// x, output dims, strides into the output, offset, fill value -> a filled tensor with x written into the view.
void stridedPut(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Dims dims = args.dims();
  const std::vector<int64_t> strides = args.integers();
  const int64_t offset = args.integer();
  const double value = args.real();
  const View view = makeView(x.dims, strides, offset, dims.count());
  const Tensor y = results.make(dims, x.phys);
  fillDevice(context, y, value);
  move(context, x.phys, {view, offset}, y.data, x.data, x.count, false);
}

// A matrix [rows, width] as a window of columns of a wider one.
void moveColumns(Context& context, const Tensor& wide, int64_t wideWidth, int64_t column, const Tensor& part, int64_t rows,
                 int64_t width, bool read) {
  View view;
  view.rank = 2;
  view.sizes = {rows, width};
  view.strides = {wideWidth, 1};
  move(context, wide.phys, {view, column}, wide.data, part.data, rows * width, read);
}

// n, n tensors of [outer, width_i], outer -> [outer, sum of widths].
void concat(Context& context, Args& args, Results& results) {
  const ConcatParts parts = readConcat(args);
  const Tensor y = results.make(Dims{parts.outer, parts.width}, parts.phys);
  int64_t column = 0;
  for (const Tensor& input : parts.inputs) {
    if (y.count == 0) return;
    const int64_t own = input.count / parts.outer;
    if (input.phys == parts.phys) {
      moveColumns(context, y, parts.width, column, input, parts.outer, own, false);
    } else {
      const DeviceConverted same(context, input, parts.phys);
      moveColumns(context, y, parts.width, column, same.tensor(), parts.outer, own, false);
    }
    column += own;
  }
}

// x of [outer, width], outer, widths -> one [outer, width_i] per part.
void split(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const int64_t outer = args.integer();
  const std::vector<int64_t> widths = args.integers();
  const int64_t width = splitWidth(x, outer, widths);
  int64_t column = 0;
  for (int64_t own : widths) {
    moveColumns(context, x, width, column, results.make(Dims{outer, own}, x.phys), outer, own, true);
    column += own;
  }
}

struct MirrorIndex {
  int rank;
  int64_t shift, inner[Dims::kMaxRank], outer[Dims::kMaxRank], before[Dims::kMaxRank];

  UC_HD int64_t operator()(int64_t i) const {
    int64_t from = 0, stride = 1;
    for (int d = rank - 1; d >= 0; --d) {
      int64_t at = i % outer[d] - before[d];
      i /= outer[d];
      if (at < 0) at = -at - 1 + shift;
      if (at >= inner[d]) at = 2 * inner[d] - 1 - at - shift;
      from += at * stride;
      stride *= inner[d];
    }
    return from;
  }
};

template <class T>
void mirrorAs(Context& context, const Tensor& x, const Tensor& y, const MirrorIndex& from) {
  const T* in = x.as<T>();
  T* out = y.as<T>();
  forEach(context, y.count, [=] __device__(int64_t i) { out[i] = in[from(i)]; });
}

// x, paddings (before, after per dimension), mode (0 reflect, 1 symmetric) -> x with mirrored borders.
void mirrorPad(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const std::vector<int64_t> paddings = args.integers();
  MirrorIndex from{};
  from.shift = args.flag() ? 0 : 1;
  const Dims dims = mirroredDims(x, paddings, from.shift);
  from.rank = dims.rank();
  for (int d = 0; d < from.rank; ++d) {
    from.inner[d] = x.dims[d];
    from.outer[d] = dims[d];
    from.before[d] = paddings[2 * d];
  }
  const Tensor y = results.make(dims, x.phys);
  if (bytesOf(x.phys) == 4) return mirrorAs<uint32_t>(context, x, y, from);
  if (bytesOf(x.phys) == 2) return mirrorAs<uint16_t>(context, x, y, from);
  mirrorAs<uint8_t>(context, x, y, from);
}

}  // namespace

void registerCudaCopy(Registry& r) {
  r.addCuda("Copy", copy);
  r.addCuda("StridedCopy", stridedCopy);
  r.addCuda("StridedPut", stridedPut);
  r.addCuda("Concat", concat);
  r.addCuda("Split", split);
  r.addCuda("MirrorPad", mirrorPad);
}

}  // namespace uc

// Kernels that only move elements: strided copies, concatenation, padding, splitting.
//
// StridedCopy reads any affine view of a tensor (transpose, slice, reverse, tile, broadcast); StridedPut writes a tensor
// into an affine view of a filled one (padding, gradients of slices). Memory bound.
#include <algorithm>
#include <array>
#include <vector>

#include "../runtime/parallel.h"
#include "broadcast.h"
#include "convert.h"
#include "register.h"
#include "strided_view.h"
#include "transpose_tiles.h"

namespace uc {

namespace {

// Position in the view of the first element of row `index` (all dimensions but the last `skip`).
int64_t rowOffset(const View& view, int64_t index, int skip) {
  int64_t offset = 0;
  for (int d = view.rank - 1 - skip; d >= 0; --d) {
    offset += index % view.sizes[d] * view.strides[d];
    index /= view.sizes[d];
  }
  return offset;
}

constexpr int64_t kTile = 16;

// A rows x cols piece whose elements are rowStride and colStride apart in the view and dense on the other side.
template <class T, bool kRead>
void moveTile(T* view, T* dense, int64_t rows, int64_t cols, int64_t rowStride, int64_t colStride, int64_t denseStride) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      T& a = view[i * rowStride + j * colStride];
      T& b = dense[i * denseStride + j];
      if (kRead) {
        b = a;
      } else {
        a = b;
      }
    }
  }
}

// Moves between a view and dense memory in the order of the view.
template <class T, bool kRead>
void moveView(const View& v, T* base, T* dense) {
  const int last = v.rank - 1;
  const int64_t inner = v.sizes[last];
  const int64_t stride = v.strides[last];
  if (v.rank >= 2 && stride != 1 && stride != 0 && inner >= 4 && v.sizes[last - 1] >= 4) {
    const int64_t rows = v.sizes[last - 1];
    const int64_t rowStride = v.strides[last - 1];
    int64_t outer = 1;
    for (int d = 0; d < last - 1; ++d) outer *= v.sizes[d];
    if (rowStride == 1) {
      const auto side = [&](int64_t o) { return base + rowOffset(v, o, 2); };
      const auto matrix = [&](int64_t o) { return dense + o * rows * inner; };
      if (kRead) {
        transposeMatrices<T>(outer, [&](int64_t o) { return Transposed<T>{side(o), matrix(o)}; }, stride, inner, inner, rows);
      } else {
        transposeMatrices<T>(outer, [&](int64_t o) { return Transposed<T>{matrix(o), side(o)}; }, inner, stride, rows, inner);
      }
      return;
    }
    // Both last dimensions are apart: small tiles keep the lines of both sides in the cache.
    const int64_t tileRows = (rows + kTile - 1) / kTile;
    parallelFor(outer * tileRows, kTile * inner, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t o = task / tileRows;
        const int64_t row = task % tileRows * kTile;
        T* from = base + rowOffset(v, o, 2) + row * rowStride;
        T* to = dense + (o * rows + row) * inner;
        for (int64_t col = 0; col < inner; col += kTile) {
          moveTile<T, kRead>(from + col * stride, to + col, std::min(kTile, rows - row), std::min(kTile, inner - col),
                             rowStride, stride, inner);
        }
      }
    });
    return;
  }
  int64_t rows = 1;
  for (int d = 0; d < last; ++d) rows *= v.sizes[d];
  const auto moveRun = [&](T* at, T* to, int64_t n) {
    if (stride == 1) {
      std::memcpy(kRead ? to : at, kRead ? at : to, static_cast<size_t>(n) * sizeof(T));
    } else {
      moveTile<T, kRead>(at, to, 1, n, 0, stride, 0);
    }
  };
  if (rows == 1) {
    parallelFor(inner, 1, [&](int64_t begin, int64_t end) { moveRun(base + begin * stride, dense + begin, end - begin); });
    return;
  }
  parallelFor(rows, inner, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) moveRun(base + rowOffset(v, row, 1), dense + row * inner, inner);
  });
}

template <bool kRead>
void moveBySize(Phys phys, const View& v, void* base, int64_t offset, void* dense) {
  switch (bytesOf(phys)) {
    case 4:
      return moveView<uint32_t, kRead>(v, static_cast<uint32_t*>(base) + offset, static_cast<uint32_t*>(dense));
    case 2:
      return moveView<uint16_t, kRead>(v, static_cast<uint16_t*>(base) + offset, static_cast<uint16_t*>(dense));
    default:
      return moveView<uint8_t, kRead>(v, static_cast<uint8_t*>(base) + offset, static_cast<uint8_t*>(dense));
  }
}

void fillValue(const Tensor& t, double value) {
  parallelFor(t.count, 1, [&](int64_t begin, int64_t end) {
    switch (t.phys) {
      case Phys::F32:
        return std::fill(t.f32() + begin, t.f32() + end, static_cast<float>(value));
      case Phys::BF16:
        return std::fill(t.b16() + begin, t.b16() + end, toBf16(static_cast<float>(value)));
      case Phys::I32:
        return std::fill(t.i32() + begin, t.i32() + end, static_cast<int32_t>(value));
      case Phys::U8:
        return std::fill(t.u8() + begin, t.u8() + end, static_cast<uint8_t>(value));
    }
  });
}

// x -> the same values in memory of their own: the fastest way to move bytes, which others are measured by.
void copy(Context&, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Tensor y = results.make(x.dims, x.phys);
  parallelFor(x.bytes(), 1, [&](int64_t begin, int64_t end) {
    std::memcpy(y.as<char>() + begin, x.as<char>() + begin, static_cast<size_t>(end - begin));
  });
}

// x, output dims, strides into x, offset into x -> the view as a dense tensor.
void stridedCopy(Context&, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Dims dims = args.dims();
  const std::vector<int64_t> strides = args.integers();
  const int64_t offset = args.integer();
  const View view = makeView(dims, strides, offset, x.count);
  const Tensor y = results.make(dims, x.phys);
  if (y.count > 0) moveBySize<true>(x.phys, view, x.data, offset, y.data);
}

// x, output dims, strides into the output, offset, fill value -> a filled tensor with x written into the view.
void stridedPut(Context&, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Dims dims = args.dims();
  const std::vector<int64_t> strides = args.integers();
  const int64_t offset = args.integer();
  const double value = args.real();
  const View view = makeView(x.dims, strides, offset, dims.count());
  const Tensor y = results.make(dims, x.phys);
  fillValue(y, value);
  if (x.count > 0) moveBySize<false>(x.phys, view, y.data, offset, x.data);
}

// n, n tensors of [outer, width_i], outer -> [outer, sum of widths].
void concat(Context& context, Args& args, Results& results) {
  const auto [inputs, outer, width, phys] = readConcat(args);
  const Tensor y = results.make(Dims{outer, width}, phys);
  if (y.count == 0) return;
  const size_t size = bytesOf(phys);
  int64_t column = 0;
  for (const Tensor& input : inputs) {
    const Converted same(context, input, phys);
    const int64_t own = input.count / outer;
    const char* from = same.tensor().as<char>();
    char* to = y.as<char>() + column * size;
    parallelFor(outer, own, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) std::memcpy(to + o * width * size, from + o * own * size, own * size);
    });
    column += own;
  }
}

// x of [outer, width], outer, widths -> one [outer, width_i] per part.
void split(Context&, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const int64_t outer = args.integer();
  const std::vector<int64_t> widths = args.integers();
  const int64_t width = splitWidth(x, outer, widths);
  const size_t size = bytesOf(x.phys);
  int64_t column = 0;
  for (int64_t own : widths) {
    const Tensor y = results.make(Dims{outer, own}, x.phys);
    const char* from = x.as<char>() + column * size;
    parallelFor(outer, own, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) std::memcpy(y.as<char>() + o * own * size, from + o * width * size, own * size);
    });
    column += own;
  }
}

// x, paddings (before, after per dimension), mode (0 reflect, 1 symmetric) -> x with mirrored borders.
void mirrorPad(Context&, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const std::vector<int64_t> paddings = args.integers();
  const int64_t shift = args.flag() ? 0 : 1;
  const int rank = x.dims.rank();
  const Dims dims = mirroredDims(x, paddings, shift);
  const Tensor y = results.make(dims, x.phys);
  const size_t size = bytesOf(x.phys);
  parallelFor(y.count, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t rest = i;
      int64_t from = 0;
      int64_t stride = 1;
      for (int d = rank - 1; d >= 0; --d) {
        int64_t at = rest % dims[d] - paddings[2 * d];
        rest /= dims[d];
        if (at < 0) at = -at - 1 + shift;
        if (at >= x.dims[d]) at = 2 * x.dims[d] - 1 - at - shift;
        from += at * stride;
        stride *= x.dims[d];
      }
      std::memcpy(y.as<char>() + i * size, x.as<char>() + from * size, size);
    }
  });
}

}  // namespace

void registerCopy(Registry& r) {
  r.add("Copy", copy);
  r.add("StridedCopy", stridedCopy);
  r.add("StridedPut", stridedPut);
  r.add("Concat", concat);
  r.add("Split", split);
  r.add("MirrorPad", mirrorPad);
}

}  // namespace uc

// The arguments of the kernels that only move elements, checked; shared by the devices.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "../runtime/args.h"

namespace uc {

// An affine view of a buffer.
struct View {
  int rank = 0;
  std::array<int64_t, Dims::kMaxRank> sizes{};
  std::array<int64_t, Dims::kMaxRank> strides{};
};

// Checks that the view stays inside `count` elements and merges dimensions that are walked as one.
inline View makeView(const Dims& dims, const std::vector<int64_t>& strides, int64_t offset, int64_t count) {
  if (static_cast<int>(strides.size()) != dims.rank()) fail("as many strides as dimensions are needed");
  int64_t low = offset;
  int64_t high = offset;
  if (dims.count() > 0) {
    for (int i = 0; i < dims.rank(); ++i) {
      const int64_t span = (dims[i] - 1) * strides[i];
      if (span > (int64_t{1} << 48) || span < -(int64_t{1} << 48)) fail("a stride is out of range");
      (span < 0 ? low : high) += span;
    }
    if (low < 0 || high >= count) {
      fail("the view " + dims.text() + " reaches elements " + std::to_string(low) + " to " + std::to_string(high) +
           " of " + std::to_string(count));
    }
  }
  View view;
  for (int i = 0; i < dims.rank(); ++i) {
    if (dims[i] == 1) continue;
    if (view.rank > 0 && view.strides[view.rank - 1] == strides[i] * dims[i]) {
      view.sizes[view.rank - 1] *= dims[i];
      view.strides[view.rank - 1] = strides[i];
    } else {
      view.sizes[view.rank] = dims[i];
      view.strides[view.rank] = strides[i];
      ++view.rank;
    }
  }
  if (view.rank == 0) {
    view.rank = 1;
    view.sizes[0] = 1;
    view.strides[0] = 1;
  }
  return view;
}

struct ConcatParts {
  std::vector<Tensor> inputs;
  int64_t outer, width;
  Phys phys;
};

// Float inputs of different types are joined as f32.
inline Phys commonType(const std::vector<Tensor>& inputs) {
  Phys phys = inputs[0].phys;
  for (const Tensor& t : inputs) {
    if (t.phys == phys) continue;
    if (!isFloat(t.phys) || !isFloat(phys)) fail("inputs of different types");
    phys = Phys::F32;
  }
  return phys;
}

// n, n tensors of [outer, width_i], outer.
inline ConcatParts readConcat(Args& args) {
  const int64_t n = args.integer();
  if (n < 1 || n > (1 << 20)) fail(std::to_string(n) + " inputs");
  ConcatParts parts;
  for (int64_t i = 0; i < n; ++i) parts.inputs.push_back(args.tensor());
  const int64_t outer = args.integer();
  parts.phys = commonType(parts.inputs);
  parts.outer = std::max<int64_t>(outer, 0);
  parts.width = 0;
  for (const Tensor& t : parts.inputs) {
    if (outer < 1 ? t.count != 0 : t.count % outer != 0) fail("an input does not consist of whole rows");
    parts.width += outer < 1 ? 0 : t.count / outer;
  }
  return parts;
}

// Width of x [outer, width], which the parts must cover.
inline int64_t splitWidth(const Tensor& x, int64_t outer, const std::vector<int64_t>& widths) {
  int64_t width = 0;
  for (int64_t w : widths) {
    if (w < 0) fail("a negative part");
    width += w;
  }
  if (outer < 0 || Dims{outer, width}.count() != x.count) fail("the parts do not cover the tensor");
  return width;
}

// Shape of x with mirrored borders; shift 1 leaves out the edge itself.
inline Dims mirroredDims(const Tensor& x, const std::vector<int64_t>& paddings, int64_t shift) {
  const int rank = x.dims.rank();
  if (static_cast<int>(paddings.size()) != 2 * rank) fail("two paddings per dimension are needed");
  Dims dims;
  for (int d = 0; d < rank; ++d) {
    const int64_t most = x.dims[d] - shift;
    if (paddings[2 * d] < 0 || paddings[2 * d + 1] < 0 || paddings[2 * d] > most || paddings[2 * d + 1] > most) {
      fail("paddings of dimension " + std::to_string(d) + " must be between 0 and " + std::to_string(most));
    }
    dims.push(x.dims[d] + paddings[2 * d] + paddings[2 * d + 1]);
  }
  return dims;
}

}  // namespace uc

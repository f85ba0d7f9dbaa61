// The geometry of a two-dimensional window that slides over an NHWC image: pooling and convolution.
#pragma once

#include "../runtime/args.h"

namespace uc {

struct Window {
  int64_t batch, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels;
  int64_t height, width, strideH, strideW, dilationH, dilationW, padTop, padLeft;

  // Reads the fields in the order above and checks that they are plausible.
  static Window read(Args& args);

  Dims input() const { return {batch, inHeight, inWidth, inChannels}; }
  Dims output() const { return {batch, outHeight, outWidth, outChannels}; }

  // The part [from, to) of the window positions that meet the image at output coordinate `out`.
  static void clip(int64_t out, int64_t stride, int64_t pad, int64_t dilation, int64_t size, int64_t limit,
                   int64_t& from, int64_t& to) {
    const int64_t origin = out * stride - pad;
    from = origin < 0 ? (-origin + dilation - 1) / dilation : 0;
    to = origin >= limit ? 0 : (limit - origin + dilation - 1) / dilation;
    if (to > size) to = size;
    if (from > to) from = to;
  }
  void rows(int64_t y, int64_t& from, int64_t& to) const {
    clip(y, strideH, padTop, dilationH, height, inHeight, from, to);
  }
  void cols(int64_t x, int64_t& from, int64_t& to) const {
    clip(x, strideW, padLeft, dilationW, width, inWidth, from, to);
  }
};

}  // namespace uc

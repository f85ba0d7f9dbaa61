// Two-dimensional convolution over NHWC images, forward and both gradients; with or without oneDNN.
#pragma once

#include "../runtime/context.h"
#include "window.h"

namespace uc {

// groups 1: filter [height, width, inChannels, outChannels].
// groups = inChannels (depthwise): filter [height, width, inChannels, outChannels / inChannels].
struct Convolution {
  Window window;
  int64_t groups = 1;

  Dims filter() const {
    return groups == 1 ? Dims{window.height, window.width, window.inChannels, window.outChannels}
                       : Dims{window.height, window.width, window.inChannels, window.outChannels / groups};
  }
};

// window, depthwise
inline Convolution readConvolution(Args& args) {
  Convolution conv;
  conv.window = Window::read(args);
  conv.groups = args.flag() ? conv.window.inChannels : 1;
  if (conv.groups == 0 || conv.window.outChannels % conv.groups != 0) fail("the channels do not divide into groups");
  return conv;
}

inline void expect(const Tensor& t, const Dims& dims, const char* what) {
  if (t.dims != dims) fail(std::string(what) + " must have the shape " + dims.text() + ", not " + t.dims.text());
}

inline Phys computeType(const Tensor& a, const Tensor& b, bool wantBf16) {
  return wantBf16 ? Phys::BF16 : promote(a.phys, b.phys);
}

// y = x * filter (+ bias). x and filter have the same type; y that type or f32; bias is f32 with outChannels values.
void convForward(Context& context, const Convolution& conv, const Tensor& x, const Tensor& filter, const Tensor* bias,
                 const Tensor& y);
// dx from dy and filter of the same type.
void convBackwardData(Context& context, const Convolution& conv, const Tensor& dy, const Tensor& filter,
                      const Tensor& dx);
// dFilter (f32) from x and dy of the same type.
void convBackwardFilter(Context& context, const Convolution& conv, const Tensor& x, const Tensor& dy,
                        const Tensor& dFilter);

}  // namespace uc

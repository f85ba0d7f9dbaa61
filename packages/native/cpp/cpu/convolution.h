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

// The arguments of the three convolution kernels, read and checked; shared by the devices.
#pragma once

#include "convolution.h"

namespace uc {

struct ConvolutionCall {
  Tensor left, right, bias;  // bias.data is null where there is none
  Convolution conv;
  Phys phys;  // to compute in
};

// x, filter, bias?, window, depthwise, bf16
inline ConvolutionCall readForward(Args& args) {
  ConvolutionCall c;
  c.left = args.floatTensor();
  c.right = args.floatTensor();
  c.bias = args.optionalTensor();
  c.conv = readConvolution(args);
  c.phys = computeType(c.left, c.right, args.flag());
  expect(c.left, c.conv.window.input(), "the image");
  expect(c.right, c.conv.filter(), "the filter");
  if (c.bias.data != nullptr && (!isFloat(c.bias.phys) || c.bias.count != c.conv.window.outChannels)) {
    fail("the bias must have one value per output channel");
  }
  if (c.left.count == 0 && c.conv.window.output().count() > 0) fail("an empty image");
  return c;
}

// dy, filter, window, depthwise, bf16
inline ConvolutionCall readBackwardData(Args& args) {
  ConvolutionCall c;
  c.left = args.floatTensor();
  c.right = args.floatTensor();
  c.conv = readConvolution(args);
  c.phys = computeType(c.left, c.right, args.flag());
  expect(c.left, c.conv.window.output(), "the gradient");
  expect(c.right, c.conv.filter(), "the filter");
  if (c.left.count == 0 && c.conv.window.input().count() > 0) fail("an empty gradient");
  return c;
}

// x, dy, window, depthwise, bf16
inline ConvolutionCall readBackwardFilter(Args& args) {
  ConvolutionCall c;
  c.left = args.floatTensor();
  c.right = args.floatTensor();
  c.conv = readConvolution(args);
  c.phys = computeType(c.left, c.right, args.flag());
  expect(c.left, c.conv.window.input(), "the image");
  expect(c.right, c.conv.window.output(), "the gradient");
  return c;
}

}  // namespace uc

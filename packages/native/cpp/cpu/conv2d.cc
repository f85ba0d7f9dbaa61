// The convolution kernels: argument checks and types; the work is in convolution_onednn.cc or convolution_plain.cc.
#include "convert.h"
#include "convolution.h"
#include "register.h"

namespace uc {

namespace {

// x, filter, bias?, window, depthwise, bf16 -> y.
void forward(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const Tensor filter = args.floatTensor();
  const Tensor bias = args.optionalTensor();
  const Convolution conv = readConvolution(args);
  const Phys phys = computeType(x, filter, args.flag());
  expect(x, conv.window.input(), "the image");
  expect(filter, conv.filter(), "the filter");
  if (bias.data != nullptr && (!isFloat(bias.phys) || bias.count != conv.window.outChannels)) {
    fail("the bias must have one value per output channel");
  }
  const Tensor y = results.make(conv.window.output(), phys);
  if (y.count == 0) return;
  if (x.count == 0) fail("an empty image");
  const Converted left(context, x, phys);
  const Converted right(context, filter, phys);
  if (bias.data == nullptr) {
    convForward(context, conv, left.tensor(), right.tensor(), nullptr, y);
  } else {
    const Converted wideBias(context, bias, Phys::F32);
    convForward(context, conv, left.tensor(), right.tensor(), &wideBias.tensor(), y);
  }
}

// dy, filter, window, depthwise, bf16 -> dx.
void backwardData(Context& context, Args& args, Results& results) {
  const Tensor dy = args.floatTensor();
  const Tensor filter = args.floatTensor();
  const Convolution conv = readConvolution(args);
  const Phys phys = computeType(dy, filter, args.flag());
  expect(dy, conv.window.output(), "the gradient");
  expect(filter, conv.filter(), "the filter");
  const Tensor dx = results.make(conv.window.input(), phys);
  if (dx.count == 0) return;
  if (dy.count == 0) fail("an empty gradient");
  const Converted left(context, dy, phys);
  const Converted right(context, filter, phys);
  convBackwardData(context, conv, left.tensor(), right.tensor(), dx);
}

// x, dy, window, depthwise, bf16 -> gradient of the filter, always f32.
void backwardFilter(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const Tensor dy = args.floatTensor();
  const Convolution conv = readConvolution(args);
  const Phys phys = computeType(x, dy, args.flag());
  expect(x, conv.window.input(), "the image");
  expect(dy, conv.window.output(), "the gradient");
  const Tensor dFilter = results.make(conv.filter(), Phys::F32);
  if (dFilter.count == 0) return;
  if (x.count == 0 || dy.count == 0) {
    std::memset(dFilter.data, 0, static_cast<size_t>(dFilter.bytes()));
    return;
  }
  const Converted left(context, x, phys);
  const Converted right(context, dy, phys);
  convBackwardFilter(context, conv, left.tensor(), right.tensor(), dFilter);
}

}  // namespace

void registerConv2d(Registry& r) {
  r.add("Conv2D", forward);
  r.add("Conv2DBackpropInput", backwardData);
  r.add("Conv2DBackpropFilter", backwardFilter);
}

}  // namespace uc

// The convolution kernels: operands of one type; the work is in convolution_onednn.cc or convolution_plain.cc.
#include "convert.h"
#include "convolution_call.h"
#include "register.h"

namespace uc {

namespace {

// -> y
void forward(Context& context, Args& args, Results& results) {
  const ConvolutionCall c = readForward(args);
  const Tensor y = results.make(c.conv.window.output(), c.phys);
  if (y.count == 0) return;
  const Converted left(context, c.left, c.phys), right(context, c.right, c.phys);
  if (c.bias.data == nullptr) {
    convForward(context, c.conv, left.tensor(), right.tensor(), nullptr, y);
  } else {
    const Converted wideBias(context, c.bias, Phys::F32);
    convForward(context, c.conv, left.tensor(), right.tensor(), &wideBias.tensor(), y);
  }
}

// -> dx
void backwardData(Context& context, Args& args, Results& results) {
  const ConvolutionCall c = readBackwardData(args);
  const Tensor dx = results.make(c.conv.window.input(), c.phys);
  if (dx.count == 0) return;
  const Converted left(context, c.left, c.phys), right(context, c.right, c.phys);
  convBackwardData(context, c.conv, left.tensor(), right.tensor(), dx);
}

// -> gradient of the filter, always f32
void backwardFilter(Context& context, Args& args, Results& results) {
  const ConvolutionCall c = readBackwardFilter(args);
  const Tensor dFilter = results.make(c.conv.filter(), Phys::F32);
  if (dFilter.count == 0) return;
  if (c.left.count == 0 || c.right.count == 0) {
    std::memset(dFilter.data, 0, static_cast<size_t>(dFilter.bytes()));
    return;
  }
  const Converted left(context, c.left, c.phys), right(context, c.right, c.phys);
  convBackwardFilter(context, c.conv, left.tensor(), right.tensor(), dFilter);
}

}  // namespace

void registerConv2d(Registry& r) {
  r.add("Conv2D", forward);
  r.add("Conv2DBackpropInput", backwardData);
  r.add("Conv2DBackpropFilter", backwardFilter);
}

}  // namespace uc

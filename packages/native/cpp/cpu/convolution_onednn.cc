// Convolution on oneDNN. Images stay NHWC; the filter is brought into the order that the primitive asks for, which costs
// one small copy per call. Compute bound: 2 batch outH outW kH kW inC outC flops.
#include "convolution.h"
#include "onednn.h"

namespace uc {

namespace {

using Md = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;

struct Compiled {
  dnnl::primitive primitive;
  dnnl::reorder reorder;
  Md filter;
  bool reorders = false;
};

struct ConvolutionPrimitives {
  PrimitiveCache<Compiled> cache;
};

struct Shape {
  dnnl::memory::dims strides, dilations, padLow, padHigh;
};

Shape shapeOf(const Window& w) {
  const auto high = [](int64_t out, int64_t stride, int64_t size, int64_t dilation, int64_t in, int64_t low) {
    return std::max<int64_t>(0, (out - 1) * stride + (size - 1) * dilation + 1 - in - low);
  };
  return {{w.strideH, w.strideW},
          {w.dilationH - 1, w.dilationW - 1},
          {w.padTop, w.padLeft},
          {high(w.outHeight, w.strideH, w.height, w.dilationH, w.inHeight, w.padTop),
           high(w.outWidth, w.strideW, w.width, w.dilationW, w.inWidth, w.padLeft)}};
}

Md imageMd(int64_t batch, int64_t channels, int64_t height, int64_t width, Phys phys) {
  return Md({batch, channels, height, width}, dnnlType(phys), Tag::nhwc);
}

Md inputMd(const Window& w, Phys phys) { return imageMd(w.batch, w.inChannels, w.inHeight, w.inWidth, phys); }
Md outputMd(const Window& w, Phys phys) { return imageMd(w.batch, w.outChannels, w.outHeight, w.outWidth, phys); }

dnnl::memory::dims filterDims(const Convolution& c) {
  const Window& w = c.window;
  if (c.groups == 1) return {w.outChannels, w.inChannels, w.height, w.width};
  return {c.groups, w.outChannels / c.groups, 1, w.height, w.width};
}

// The filter as TensorFlow.js lays it out.
Md filterMd(const Convolution& c, Phys phys) {
  const Window& w = c.window;
  const int64_t pixel = c.groups == 1 ? w.inChannels * w.outChannels : w.outChannels;
  if (c.groups == 1) {
    return Md(filterDims(c), dnnlType(phys), dnnl::memory::dims{1, w.outChannels, w.width * pixel, pixel});
  }
  const int64_t multiplier = w.outChannels / c.groups;
  return Md(filterDims(c), dnnlType(phys), dnnl::memory::dims{multiplier, 1, 1, w.width * pixel, pixel});
}

Md anyFilterMd(const Convolution& c, Phys phys) { return Md(filterDims(c), dnnlType(phys), Tag::any); }

PrimitiveKey keyOf(int64_t kind, const Convolution& c, Phys in, Phys out, bool bias) {
  const Window& w = c.window;
  return {kind,       w.batch,     w.inHeight,  w.inWidth, w.inChannels,  w.outHeight, w.outWidth,
          w.outChannels, w.height, w.width,     w.strideH, w.strideW,     w.dilationH, w.dilationW,
          w.padTop,   w.padLeft,   c.groups,    static_cast<int64_t>(in), static_cast<int64_t>(out), bias};
}

dnnl::convolution_forward::primitive_desc forwardPd(OneDnn& dnn, const Convolution& c, Phys in, Phys out, bool bias) {
  const Shape s = shapeOf(c.window);
  const auto kind = dnnl::prop_kind::forward_training;
  const auto algorithm = dnnl::algorithm::convolution_direct;
  const Md x = inputMd(c.window, in);
  const Md y = outputMd(c.window, out);
  const Md biasMd({c.window.outChannels}, dnnl::memory::data_type::f32, Tag::a);
  const auto desc = bias ? dnnl::convolution_forward::desc(kind, algorithm, x, anyFilterMd(c, in), biasMd, y, s.strides,
                                                           s.dilations, s.padLow, s.padHigh)
                         : dnnl::convolution_forward::desc(kind, algorithm, x, anyFilterMd(c, in), y, s.strides,
                                                           s.dilations, s.padLow, s.padHigh);
  return {desc, dnn.engine};
}

// The filter in the order of the primitive: the tensor's memory, or a reordered copy in `held`.
dnnl::memory orderedFilter(Context& context, OneDnn& dnn, Compiled& c, const Md& plain, void* data,
                           std::unique_ptr<Scratch<char>>& held) {
  dnnl::memory from(plain, dnn.engine, data);
  if (!c.reorders) return from;
  held = std::make_unique<Scratch<char>>(context, static_cast<int64_t>(c.filter.get_size()));
  dnnl::memory to(c.filter, dnn.engine, held->data());
  c.reorder.execute(dnn.stream, from, to);
  return to;
}

}  // namespace

void convForward(Context& context, const Convolution& conv, const Tensor& x, const Tensor& filter, const Tensor* bias,
                 const Tensor& y) {
  OneDnn& dnn = context.state<OneDnn>();
  const Md plain = filterMd(conv, filter.phys);
  const bool biased = bias != nullptr;
  Compiled& c = context.state<ConvolutionPrimitives>().cache.get(keyOf(0, conv, x.phys, y.phys, biased), [&] {
    const auto pd = forwardPd(dnn, conv, x.phys, y.phys, biased);
    Compiled made{dnnl::convolution_forward(pd), {}, pd.weights_desc(), pd.weights_desc() != plain};
    if (made.reorders) {
      made.reorder = dnnl::reorder(dnnl::reorder::primitive_desc(dnn.engine, plain, dnn.engine, made.filter));
    }
    return made;
  });
  std::unique_ptr<Scratch<char>> held;
  std::unordered_map<int, dnnl::memory> operands = {
      {DNNL_ARG_SRC, dnnl::memory(inputMd(conv.window, x.phys), dnn.engine, x.data)},
      {DNNL_ARG_WEIGHTS, orderedFilter(context, dnn, c, plain, filter.data, held)},
      {DNNL_ARG_DST, dnnl::memory(outputMd(conv.window, y.phys), dnn.engine, y.data)},
  };
  if (biased) {
    const Md biasMd({conv.window.outChannels}, dnnl::memory::data_type::f32, Tag::a);
    operands.emplace(DNNL_ARG_BIAS, dnnl::memory(biasMd, dnn.engine, bias->data));
  }
  c.primitive.execute(dnn.stream, operands);
  dnn.stream.wait();
}

void convBackwardData(Context& context, const Convolution& conv, const Tensor& dy, const Tensor& filter,
                      const Tensor& dx) {
  OneDnn& dnn = context.state<OneDnn>();
  const Md plain = filterMd(conv, filter.phys);
  Compiled& c = context.state<ConvolutionPrimitives>().cache.get(keyOf(1, conv, dy.phys, dx.phys, false), [&] {
    const Shape s = shapeOf(conv.window);
    const dnnl::convolution_backward_data::desc desc(
        dnnl::algorithm::convolution_direct, inputMd(conv.window, dx.phys), anyFilterMd(conv, filter.phys),
        outputMd(conv.window, dy.phys), s.strides, s.dilations, s.padLow, s.padHigh);
    const dnnl::convolution_backward_data::primitive_desc pd(desc, dnn.engine,
                                                             forwardPd(dnn, conv, filter.phys, dy.phys, false));
    Compiled made{dnnl::convolution_backward_data(pd), {}, pd.weights_desc(), pd.weights_desc() != plain};
    if (made.reorders) {
      made.reorder = dnnl::reorder(dnnl::reorder::primitive_desc(dnn.engine, plain, dnn.engine, made.filter));
    }
    return made;
  });
  std::unique_ptr<Scratch<char>> held;
  c.primitive.execute(dnn.stream,
                      {{DNNL_ARG_DIFF_DST, dnnl::memory(outputMd(conv.window, dy.phys), dnn.engine, dy.data)},
                       {DNNL_ARG_WEIGHTS, orderedFilter(context, dnn, c, plain, filter.data, held)},
                       {DNNL_ARG_DIFF_SRC, dnnl::memory(inputMd(conv.window, dx.phys), dnn.engine, dx.data)}});
  dnn.stream.wait();
}

void convBackwardFilter(Context& context, const Convolution& conv, const Tensor& x, const Tensor& dy,
                        const Tensor& dFilter) {
  OneDnn& dnn = context.state<OneDnn>();
  const Md plain = filterMd(conv, Phys::F32);
  Compiled& c = context.state<ConvolutionPrimitives>().cache.get(keyOf(2, conv, x.phys, Phys::F32, false), [&] {
    const Shape s = shapeOf(conv.window);
    const dnnl::convolution_backward_weights::desc desc(
        dnnl::algorithm::convolution_direct, inputMd(conv.window, x.phys), anyFilterMd(conv, Phys::F32),
        outputMd(conv.window, dy.phys), s.strides, s.dilations, s.padLow, s.padHigh);
    const dnnl::convolution_backward_weights::primitive_desc pd(desc, dnn.engine,
                                                                forwardPd(dnn, conv, x.phys, dy.phys, false));
    Compiled made{dnnl::convolution_backward_weights(pd), {}, pd.diff_weights_desc(), pd.diff_weights_desc() != plain};
    if (made.reorders) {
      made.reorder = dnnl::reorder(dnnl::reorder::primitive_desc(dnn.engine, made.filter, dnn.engine, plain));
    }
    return made;
  });
  std::unique_ptr<Scratch<char>> held;
  dnnl::memory out(plain, dnn.engine, dFilter.data);
  dnnl::memory ordered = out;
  if (c.reorders) {
    held = std::make_unique<Scratch<char>>(context, static_cast<int64_t>(c.filter.get_size()));
    ordered = dnnl::memory(c.filter, dnn.engine, held->data());
  }
  c.primitive.execute(dnn.stream, {{DNNL_ARG_SRC, dnnl::memory(inputMd(conv.window, x.phys), dnn.engine, x.data)},
                                   {DNNL_ARG_DIFF_DST, dnnl::memory(outputMd(conv.window, dy.phys), dnn.engine, dy.data)},
                                   {DNNL_ARG_DIFF_WEIGHTS, ordered}});
  if (c.reorders) c.reorder.execute(dnn.stream, ordered, out);
  dnn.stream.wait();
}

}  // namespace uc

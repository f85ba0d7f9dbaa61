// Convolution and its two gradients. Images lie as in TensorFlow.js (NHWC); the filter is in the order that oneDNN likes
// best, so its reordering does not count.
#include "dnnl_values.h"
#include "limits.h"
#include "measure.h"

namespace {

using dnnl::memory;
using Tag = memory::format_tag;
constexpr auto kDirect = dnnl::algorithm::convolution_direct;

struct Shape {
  memory::dims image, output, filter, strides{1, 1}, padding;
  int64_t pixels(const memory::dims& d) const { return d[0] * d[1] * d[2] * d[3]; }
};

struct Run {
  dnnl::primitive primitive;
  std::unordered_map<int, memory> operands;
  int result;
  Md resultOrder;  // f32, as TensorFlow.js lays the result out
};

using Forward = dnnl::convolution_forward;
using BackwardData = dnnl::convolution_backward_data;
using BackwardFilter = dnnl::convolution_backward_weights;

struct Problem {
  Device& device;
  Shape shape;
  memory::data_type type;

  Md image(memory::data_type t) const { return Md(shape.image, t, Tag::nhwc); }
  Md output(memory::data_type t) const { return Md(shape.output, t, Tag::nhwc); }
  Md anyFilter() const { return Md(shape.filter, type, Tag::any); }
  Md plainFilter() const { return Md(shape.filter, memory::data_type::f32, Tag::hwio); }

  Forward::primitive_desc forwardDesc() const {
    return {Forward::desc(dnnl::prop_kind::forward_training, kDirect, image(type), anyFilter(), output(type),
                          shape.strides, shape.padding, shape.padding),
            device.engine};
  }
  memory imageValues() const {
    return device.filled(inputValues(shape.pixels(shape.image), 0), image(memory::data_type::f32), image(type));
  }
  memory outputValues(uint32_t seed) const {
    return device.filled(inputValues(shape.pixels(shape.output), seed), output(memory::data_type::f32), output(type));
  }
  memory filterValues(const Md& order) const {
    return device.filled(inputValues(shape.pixels(shape.filter), 1), plainFilter(), order);
  }
};

Run forward(const Problem& p) {
  const auto pd = p.forwardDesc();
  return {Forward(pd),
          {{DNNL_ARG_SRC, p.imageValues()},
           {DNNL_ARG_WEIGHTS, p.filterValues(pd.weights_desc())},
           {DNNL_ARG_DST, memory(pd.dst_desc(), p.device.engine)}},
          DNNL_ARG_DST,
          p.output(memory::data_type::f32)};
}

Run backwardData(const Problem& p) {
  const BackwardData::primitive_desc pd(
      BackwardData::desc(kDirect, p.image(p.type), p.anyFilter(), p.output(p.type), p.shape.strides, p.shape.padding,
                         p.shape.padding),
      p.device.engine, p.forwardDesc());
  return {BackwardData(pd),
          {{DNNL_ARG_DIFF_DST, p.outputValues(0)},
           {DNNL_ARG_WEIGHTS, p.filterValues(pd.weights_desc())},
           {DNNL_ARG_DIFF_SRC, memory(pd.diff_src_desc(), p.device.engine)}},
          DNNL_ARG_DIFF_SRC,
          p.image(memory::data_type::f32)};
}

Run backwardFilter(const Problem& p) {
  const Md filter(p.shape.filter, memory::data_type::f32, Tag::any);
  const BackwardFilter::primitive_desc pd(
      BackwardFilter::desc(kDirect, p.image(p.type), filter, p.output(p.type), p.shape.strides, p.shape.padding,
                           p.shape.padding),
      p.device.engine, p.forwardDesc());
  return {BackwardFilter(pd),
          {{DNNL_ARG_SRC, p.imageValues()},
           {DNNL_ARG_DIFF_DST, p.outputValues(1)},
           {DNNL_ARG_DIFF_WEIGHTS, memory(pd.diff_weights_desc(), p.device.engine)}},
          DNNL_ARG_DIFF_WEIGHTS,
          p.plainFilter()};
}

}  // namespace

void convolution(const Words& words) {
  const int64_t batch = std::stoll(words[3]), size = std::stoll(words[4]), in = std::stoll(words[5]),
                out = std::stoll(words[6]), kernel = std::stoll(words[7]), pad = (kernel - 1) / 2;
  Device device;
  const Problem problem{
      device, {{batch, in, size, size}, {batch, out, size, size}, {out, in, kernel, kernel}, {1, 1}, {pad, pad}},
      typeOf(words[2])};
  const auto kinds = std::unordered_map<std::string, Run (*)(const Problem&)>{
      {"forward", forward}, {"data", backwardData}, {"filter", backwardFilter}};
  const auto kind = kinds.find(words[1]);
  if (kind == kinds.end()) throw std::runtime_error("expected forward, data or filter, found " + words[1]);
  Run run = kind->second(problem);
  const Timing timing = measure(
      [&] {
        run.primitive.execute(device.stream, run.operands);
        device.stream.wait();
      },
      std::stod(words[8]));
  report(timing, device.values(run.operands.at(run.result), run.resultOrder), "convolution primitive");
}

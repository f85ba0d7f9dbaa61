// Two-dimensional convolution over NHWC images, forward and both gradients.
//
// Ordinary convolutions are matrix products: the pixels that a window joins become the rows of a matrix (im2col), in chunks of at
// most kColumnsBytes; 2 B OH OW KH KW CI CO flops, compute bound. A 1 x 1 window with stride 1 needs no such matrix. Depthwise
// convolutions are memory bound and are done directly, one thread per result.
#include "../cpu/convolution_call.h"
#include "gemm.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

constexpr int64_t kColumnsBytes = int64_t{256} << 20;

// The window in the form that threads use.
struct Joins {
  Window w;

  // Input pixel under window position (ky, kx) of output pixel (oy, ox), or -1 outside the image.
  UC_HD int64_t input(int64_t image, int64_t oy, int64_t ox, int64_t ky, int64_t kx) const {
    const int64_t y = oy * w.strideH - w.padTop + ky * w.dilationH;
    const int64_t x = ox * w.strideW - w.padLeft + kx * w.dilationW;
    const bool inside = y >= 0 && y < w.inHeight && x >= 0 && x < w.inWidth;
    return inside ? (image * w.inHeight + y) * w.inWidth + x : -1;
  }
  // Output pixel whose window position (ky, kx) lies on input pixel (y, x), or -1 when there is none.
  UC_HD int64_t output(int64_t image, int64_t y, int64_t x, int64_t ky, int64_t kx) const {
    const int64_t top = y + w.padTop - ky * w.dilationH, left = x + w.padLeft - kx * w.dilationW;
    if (top < 0 || left < 0 || top % w.strideH != 0 || left % w.strideW != 0) return -1;
    const int64_t oy = top / w.strideH, ox = left / w.strideW;
    return oy < w.outHeight && ox < w.outWidth ? (image * w.outHeight + oy) * w.outWidth + ox : -1;
  }
};

// Sizes of the matrix product that a convolution comes to.
struct Columns {
  int64_t pixels, depth, channels;  // output pixels of a chunk at most, window * input channels, output channels
  int64_t all;                      // output pixels in total
  bool direct;                      // the image is the matrix already

  Columns(const Window& w, Phys phys)
      : depth(w.height * w.width * w.inChannels), channels(w.outChannels), all(w.batch * w.outHeight * w.outWidth) {
    direct = w.height == 1 && w.width == 1 && w.strideH == 1 && w.strideW == 1 && w.padTop == 0 && w.padLeft == 0 &&
             w.outHeight == w.inHeight && w.outWidth == w.inWidth;
    const int64_t row = std::max<int64_t>(depth * static_cast<int64_t>(bytesOf(phys)), 1);
    pixels = direct ? all : std::clamp<int64_t>(kColumnsBytes / row, 1, std::max<int64_t>(all, 1));
  }
  int64_t values() const { return direct ? 1 : pixels * depth; }
};

Tensor part(const Tensor& t, int64_t from, int64_t count) {
  Tensor p = t;
  p.data = t.as<char>() + from * static_cast<int64_t>(bytesOf(t.phys));
  p.count = count;
  return p;
}

Tensor deviceTensor(void* data, Phys phys, int64_t count) {
  Tensor t;
  t.data = data;
  t.phys = phys;
  t.count = count;
  t.slot = 0;
  return t;
}

// columns[pixel - first][(ky, kx, ci)] from the image.
template <class T>
void gatherColumns(Context& context, const Window& w, const T* x, int64_t first, int64_t count, T* columns) {
  const Joins joins{w};
  const int64_t depth = w.height * w.width * w.inChannels;
  forEach(context, count * depth, [=] __device__(int64_t i) {
    const int64_t pixel = first + i / depth, at = i % depth;
    const int64_t ci = at % w.inChannels, kx = at / w.inChannels % w.width, ky = at / (w.inChannels * w.width);
    const int64_t ox = pixel % w.outWidth, oy = pixel / w.outWidth % w.outHeight, image = pixel / (w.outWidth * w.outHeight);
    const int64_t from = joins.input(image, oy, ox, ky, kx);
    columns[i] = from < 0 ? T{0} : x[from * w.inChannels + ci];
  });
}

// The matrix of pixels [first, first + count): the image itself or gathered into `memory`.
Tensor columnsOf(Context& context, const Window& w, const Columns& c, const Tensor& x, int64_t first, int64_t count,
                 void* memory) {
  if (c.direct) return part(x, first * c.depth, count * c.depth);
  const Tensor columns = deviceTensor(memory, x.phys, count * c.depth);
  if (x.phys == Phys::F32) {
    gatherColumns(context, w, x.f32(), first, count, columns.f32());
  } else {
    gatherColumns(context, w, x.b16(), first, count, columns.b16());
  }
  return columns;
}

void forwardDense(Context& context, const Window& w, const Tensor& x, const Tensor& filter, const Tensor* bias,
                  const Tensor& y) {
  const Columns c(w, x.phys);
  const DeviceScratch<char> memory(context, c.values() * static_cast<int64_t>(bytesOf(x.phys)));
  for (int64_t first = 0; first < c.all; first += c.pixels) {
    const int64_t count = std::min(c.pixels, c.all - first);
    const Tensor columns = columnsOf(context, w, c, x, first, count, memory.data());
    const Tensor out = part(y, first * c.channels, count * c.channels);
    deviceGemm(context, {1, count, c.channels, c.depth}, Matrix::rowMajor(columns.data, x.phys, count, c.depth),
               Matrix::rowMajor(filter.data, filter.phys, c.depth, c.channels),
               Matrix::rowMajor(out.data, out.phys, count, c.channels), bias);
  }
}

void forwardDepthwise(Context& context, const Convolution& conv, const Tensor& x, const Tensor& filter, const Tensor* bias,
                      const Tensor& y) {
  const Window w = conv.window;
  const Joins joins{w};
  const int64_t multiplier = w.outChannels / conv.groups;
  const Floats in(x), weights(filter), add(bias ? *bias : Tensor{}), out(y);
  forEach(context, y.count, [=] __device__(int64_t i) {
    const int64_t o = i % w.outChannels, pixel = i / w.outChannels;
    const int64_t ox = pixel % w.outWidth, oy = pixel / w.outWidth % w.outHeight, image = pixel / (w.outWidth * w.outHeight);
    float sum = add[o];
    for (int64_t k = 0; k < w.height * w.width; ++k) {
      const int64_t from = joins.input(image, oy, ox, k / w.width, k % w.width);
      if (from >= 0) sum += in[from * w.inChannels + o / multiplier] * weights[k * w.outChannels + o];
    }
    out.put(i, sum);
  });
}

// dx = sum over window positions of dy filter^T: first the products for each output pixel, then each input value gathers its own.
void backwardDataDense(Context& context, const Window& w, const Tensor& dy, const Tensor& filter, const Tensor& dx) {
  const Joins joins{w};
  const int64_t depth = w.height * w.width * w.inChannels, perImage = w.outHeight * w.outWidth;
  const int64_t inPerImage = w.inHeight * w.inWidth * w.inChannels;
  const int64_t images = std::clamp<int64_t>(kColumnsBytes / std::max<int64_t>(perImage * depth * 4, 1), 1, w.batch);
  const DeviceScratch<float> memory(context, images * perImage * depth);
  const float* columns = memory.data();
  for (int64_t first = 0; first < w.batch; first += images) {
    const int64_t count = std::min(images, w.batch - first), rows = count * perImage;
    const Tensor upstream = part(dy, first * perImage * w.outChannels, rows * w.outChannels);
    deviceGemm(context, {1, rows, depth, w.outChannels}, Matrix::rowMajor(upstream.data, dy.phys, rows, w.outChannels),
               Matrix::rowMajor(filter.data, filter.phys, depth, w.outChannels).transposed(),
               Matrix::rowMajor(memory.data(), Phys::F32, rows, depth));
    const Floats out(part(dx, first * inPerImage, count * inPerImage));
    forEach(context, count * inPerImage, [=] __device__(int64_t i) {
      const int64_t ci = i % w.inChannels, pixel = i / w.inChannels;
      const int64_t x = pixel % w.inWidth, y = pixel / w.inWidth % w.inHeight, image = pixel / (w.inWidth * w.inHeight);
      float sum = 0;
      for (int64_t k = 0; k < w.height * w.width; ++k) {
        const int64_t from = joins.output(image, y, x, k / w.width, k % w.width);
        if (from >= 0) sum += columns[from * depth + k * w.inChannels + ci];
      }
      out.put(i, sum);
    });
  }
}

void backwardDataDepthwise(Context& context, const Convolution& conv, const Tensor& dy, const Tensor& filter,
                           const Tensor& dx) {
  const Window w = conv.window;
  const Joins joins{w};
  const int64_t multiplier = w.outChannels / conv.groups;
  const Floats upstream(dy), weights(filter), out(dx);
  forEach(context, dx.count, [=] __device__(int64_t i) {
    const int64_t ci = i % w.inChannels, pixel = i / w.inChannels;
    const int64_t x = pixel % w.inWidth, y = pixel / w.inWidth % w.inHeight, image = pixel / (w.inWidth * w.inHeight);
    float sum = 0;
    for (int64_t k = 0; k < w.height * w.width; ++k) {
      const int64_t from = joins.output(image, y, x, k / w.width, k % w.width);
      if (from < 0) continue;
      for (int64_t o = ci * multiplier; o < (ci + 1) * multiplier; ++o) {
        sum += upstream[from * w.outChannels + o] * weights[k * w.outChannels + o];
      }
    }
    out.put(i, sum);
  });
}

void backwardFilterDense(Context& context, const Window& w, const Tensor& x, const Tensor& dy, const Tensor& dFilter) {
  const Columns c(w, x.phys);
  const DeviceScratch<char> memory(context, c.values() * static_cast<int64_t>(bytesOf(x.phys)));
  for (int64_t first = 0; first < c.all; first += c.pixels) {
    const int64_t count = std::min(c.pixels, c.all - first);
    const Tensor columns = columnsOf(context, w, c, x, first, count, memory.data());
    const Tensor upstream = part(dy, first * c.channels, count * c.channels);
    deviceGemm(context, {1, c.depth, c.channels, count},
               Matrix::rowMajor(columns.data, x.phys, count, c.depth).transposed(),
               Matrix::rowMajor(upstream.data, dy.phys, count, c.channels),
               Matrix::rowMajor(dFilter.data, Phys::F32, c.depth, c.channels), nullptr, first > 0);
  }
}

// A block per weight sums over the output pixels.
void backwardFilterDepthwise(Context& context, const Convolution& conv, const Tensor& x, const Tensor& dy,
                             const Tensor& dFilter) {
  const Window w = conv.window;
  const Joins joins{w};
  const int64_t multiplier = w.outChannels / conv.groups, pixels = w.batch * w.outHeight * w.outWidth;
  const Floats in(x), upstream(dy);
  float* out = dFilter.f32();
  forEachBlock(context, dFilter.count, [=] __device__(int64_t item) {
    const int64_t o = item % w.outChannels, k = item / w.outChannels;
    float sum = 0;
    for (int64_t pixel = threadIdx.x; pixel < pixels; pixel += kBlockThreads) {
      const int64_t ox = pixel % w.outWidth, oy = pixel / w.outWidth % w.outHeight;
      const int64_t from = joins.input(pixel / (w.outWidth * w.outHeight), oy, ox, k / w.width, k % w.width);
      if (from >= 0) sum += in[from * w.inChannels + o / multiplier] * upstream[pixel * w.outChannels + o];
    }
    sum = blockSum(sum);
    if (threadIdx.x == 0) out[item] = sum;
  });
}

// -> y
void forward(Context& context, Args& args, Results& results) {
  const ConvolutionCall c = readForward(args);
  const Tensor y = results.make(c.conv.window.output(), c.phys);
  if (y.count == 0) return;
  const DeviceConverted left(context, c.left, c.phys), right(context, c.right, c.phys);
  const Tensor* add = c.bias.data == nullptr ? nullptr : &c.bias;
  if (c.conv.groups == 1) return forwardDense(context, c.conv.window, left.tensor(), right.tensor(), add, y);
  forwardDepthwise(context, c.conv, left.tensor(), right.tensor(), add, y);
}

// -> dx
void backwardData(Context& context, Args& args, Results& results) {
  const ConvolutionCall c = readBackwardData(args);
  const Tensor dx = results.make(c.conv.window.input(), c.phys);
  if (dx.count == 0) return;
  const DeviceConverted left(context, c.left, c.phys), right(context, c.right, c.phys);
  if (c.conv.groups == 1) return backwardDataDense(context, c.conv.window, left.tensor(), right.tensor(), dx);
  backwardDataDepthwise(context, c.conv, left.tensor(), right.tensor(), dx);
}

// -> gradient of the filter, always f32
void backwardFilter(Context& context, Args& args, Results& results) {
  const ConvolutionCall c = readBackwardFilter(args);
  const Tensor dFilter = results.make(c.conv.filter(), Phys::F32);
  if (dFilter.count == 0) return;
  if (c.left.count == 0 || c.right.count == 0) return zeroBytes(context, dFilter);
  const DeviceConverted left(context, c.left, c.phys), right(context, c.right, c.phys);
  if (c.conv.groups == 1) return backwardFilterDense(context, c.conv.window, left.tensor(), right.tensor(), dFilter);
  backwardFilterDepthwise(context, c.conv, left.tensor(), right.tensor(), dFilter);
}

}  // namespace

void registerCudaConv2d(Registry& r) {
  r.addCuda("Conv2D", forward);
  r.addCuda("Conv2DBackpropInput", backwardData);
  r.addCuda("Conv2DBackpropFilter", backwardFilter);
}

}  // namespace uc

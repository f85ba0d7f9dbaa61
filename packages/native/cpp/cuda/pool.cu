// Average and maximum pooling over NHWC images, and their gradients. Memory bound for small windows: one thread per result, which
// gathers what it needs, so nothing is added from two sides.
#include "../cpu/window.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

// The window positions of one output coordinate that lie inside the image, and where they begin there.
struct Span {
  int64_t from, to, origin;

  UC_HD Span(int64_t out, int64_t stride, int64_t pad, int64_t dilation, int64_t size, int64_t limit)
      : origin(out * stride - pad) {
    from = origin < 0 ? (-origin + dilation - 1) / dilation : 0;
    to = origin >= limit ? 0 : (limit - origin + dilation - 1) / dilation;
    if (to > size) to = size;
    if (from > to) from = to;
  }
};

struct Windows {
  Window w;

  UC_HD Span rows(int64_t y) const { return Span(y, w.strideH, w.padTop, w.dilationH, w.height, w.inHeight); }
  UC_HD Span cols(int64_t x) const { return Span(x, w.strideW, w.padLeft, w.dilationW, w.width, w.inWidth); }
  UC_HD int64_t pixel(int64_t image, int64_t y, int64_t x) const { return (image * w.inHeight + y) * w.inWidth + x; }

  // Where the first maximum of an output's window lies.
  UC_HD int64_t firstMaximum(const Floats& x, int64_t image, int64_t oy, int64_t ox, int64_t c) const {
    const Span ys = rows(oy), xs = cols(ox);
    int64_t place = -1;
    float best = 0;
    for (int64_t ky = ys.from; ky < ys.to; ++ky) {
      for (int64_t kx = xs.from; kx < xs.to; ++kx) {
        const int64_t at = pixel(image, ys.origin + ky * w.dilationH, xs.origin + kx * w.dilationW);
        const float value = x[at * w.inChannels + c];
        if (place < 0 || value > best) {
          best = value;
          place = at;
        }
      }
    }
    return place;
  }
};

void checkImage(const Window& w, const Tensor& x) {
  if (w.input() != x.dims || w.inChannels != w.outChannels) fail("the window does not fit the image");
}

// x, window -> the average (over the window's pixels inside the image) or the maximum.
template <bool kMax>
void pool(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const Windows at{Window::read(args)};
  const Window w = at.w;
  checkImage(w, x);
  const Tensor y = results.make(w.output(), x.phys);
  const Floats in(x), out(y);
  forEach(context, y.count, [=] __device__(int64_t i) {
    const int64_t c = i % w.inChannels, ox = i / w.inChannels % w.outWidth;
    const int64_t row = i / (w.inChannels * w.outWidth), image = row / w.outHeight;
    const Span ys = at.rows(row % w.outHeight), xs = at.cols(ox);
    float value = kMax ? -INFINITY : 0.0f;
    for (int64_t ky = ys.from; ky < ys.to; ++ky) {
      for (int64_t kx = xs.from; kx < xs.to; ++kx) {
        const float other =
            in[at.pixel(image, ys.origin + ky * w.dilationH, xs.origin + kx * w.dilationW) * w.inChannels + c];
        value = kMax ? (other > value ? other : value) : value + other;
      }
    }
    const float share = 1.0f / static_cast<float>((ys.to - ys.from) * (xs.to - xs.from));
    out.put(i, kMax ? value : value * share);
  });
}

// dy, x, window -> dx: each output's gradient goes to its whole window's average (also the part outside the image counts, as in
// tfjs-core), or to its first maximum.
template <bool kMax>
void poolGrad(Context& context, Args& args, Results& results) {
  const Tensor dy = args.floatTensor();
  const Tensor x = args.floatTensor();
  const Windows at{Window::read(args)};
  const Window w = at.w;
  checkImage(w, x);
  if (dy.dims != w.output()) fail("the gradient does not have the shape " + w.output().text());
  const Tensor dx = results.make(w.input(), promote(dy.phys, x.phys));
  const Floats upstream(dy), in(x), out(dx);
  forEach(context, dx.count, [=] __device__(int64_t i) {
    const int64_t c = i % w.inChannels, own = i / w.inChannels;
    const int64_t column = own % w.inWidth, line = own / w.inWidth % w.inHeight, image = own / (w.inWidth * w.inHeight);
    float sum = 0;
    for (int64_t ky = 0; ky < w.height; ++ky) {
      const int64_t top = line + w.padTop - ky * w.dilationH;
      if (top < 0 || top % w.strideH != 0 || top / w.strideH >= w.outHeight) continue;
      for (int64_t kx = 0; kx < w.width; ++kx) {
        const int64_t left = column + w.padLeft - kx * w.dilationW;
        if (left < 0 || left % w.strideW != 0 || left / w.strideW >= w.outWidth) continue;
        const int64_t oy = top / w.strideH, ox = left / w.strideW;
        if (kMax && at.firstMaximum(in, image, oy, ox, c) != own) continue;
        sum += upstream[((image * w.outHeight + oy) * w.outWidth + ox) * w.inChannels + c];
      }
    }
    out.put(i, kMax ? sum : sum / static_cast<float>(w.height * w.width));
  });
}

}  // namespace

void registerCudaPool(Registry& r) {
  r.addCuda("AvgPool", pool<false>);
  r.addCuda("MaxPool", pool<true>);
  r.addCuda("AvgPoolGrad", poolGrad<false>);
  r.addCuda("MaxPoolGrad", poolGrad<true>);
}

}  // namespace uc

// Average and maximum pooling over NHWC images, and their gradients. Memory bound for small windows.
#include <cmath>

#include "../runtime/parallel.h"
#include "convert.h"
#include "register.h"
#include "window.h"

namespace uc {

namespace {

struct Pooling {
  Window window;
  Tensor x;

  Pooling(const Tensor& image, const Window& w) : window(w), x(image) {
    if (w.input() != image.dims || w.inChannels != w.outChannels) fail("the window does not fit the image");
  }
  const float* pixel(const float* base, int64_t b, int64_t y, int64_t i) const {
    return base + ((b * window.inHeight + y) * window.inWidth + i) * window.inChannels;
  }
};

// x, window -> the average (over the window's pixels inside the image) or the maximum.
template <bool kMax>
void pool(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const Window w = Window::read(args);
  const Pooling p(x, w);
  const Tensor out = results.make(w.output(), x.phys);
  const Converted wide(context, x, Phys::F32);
  FloatResult result(context, out);
  const int64_t c = w.inChannels;
  parallelFor(w.batch * w.outHeight, w.outWidth * w.height * w.width * c, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      int64_t y0, y1, x0, x1;
      w.rows(row % w.outHeight, y0, y1);
      for (int64_t ox = 0; ox < w.outWidth; ++ox) {
        w.cols(ox, x0, x1);
        float* to = result.values() + (row * w.outWidth + ox) * c;
        for (int64_t k = 0; k < c; ++k) to[k] = kMax ? -INFINITY : 0;
        for (int64_t ky = y0; ky < y1; ++ky) {
          for (int64_t kx = x0; kx < x1; ++kx) {
            const float* from =
                p.pixel(wide.tensor().f32(), row / w.outHeight, row % w.outHeight * w.strideH - w.padTop + ky * w.dilationH,
                        ox * w.strideW - w.padLeft + kx * w.dilationW);
            if (kMax) {
              for (int64_t k = 0; k < c; ++k) to[k] = from[k] > to[k] ? from[k] : to[k];
            } else {
              for (int64_t k = 0; k < c; ++k) to[k] += from[k];
            }
          }
        }
        if (!kMax) {
          const float scale = 1.0f / static_cast<float>((y1 - y0) * (x1 - x0));
          for (int64_t k = 0; k < c; ++k) to[k] *= scale;
        }
      }
    }
  });
  result.store();
}

// dy, x, window -> dx: each output's gradient goes to its window's average, or to its first maximum.
template <bool kMax>
void poolGrad(Context& context, Args& args, Results& results) {
  const Tensor dy = args.floatTensor();
  const Tensor x = args.floatTensor();
  const Window w = Window::read(args);
  const Pooling p(x, w);
  if (dy.dims != w.output()) fail("the gradient does not have the shape " + w.output().text());
  const Tensor dx = results.make(w.input(), promote(dy.phys, x.phys));
  const Converted wideDy(context, dy, Phys::F32);
  const Converted wideX(context, x, Phys::F32);
  FloatResult result(context, dx);
  const int64_t c = w.inChannels;
  const int64_t image = w.inHeight * w.inWidth * c;
  // A thread owns a channel range of an image: windows may overlap.
  constexpr int64_t kWidth = 16;
  const int64_t blocks = (c + kWidth - 1) / kWidth;
  parallelFor(w.batch * blocks, image / std::max<int64_t>(blocks, 1) * 4, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t b = task / blocks;
      const int64_t c0 = task % blocks * kWidth;
      const int64_t n = std::min(kWidth, c - c0);
      float* to = result.values() + b * image + c0;
      for (int64_t i = 0; i < w.inHeight * w.inWidth; ++i) std::fill(to + i * c, to + i * c + n, 0.0f);
      for (int64_t oy = 0; oy < w.outHeight; ++oy) {
        for (int64_t ox = 0; ox < w.outWidth; ++ox) {
          int64_t y0, y1, x0, x1;
          w.rows(oy, y0, y1);
          w.cols(ox, x0, x1);
          const float* from = wideDy.tensor().f32() + ((b * w.outHeight + oy) * w.outWidth + ox) * c + c0;
          float best[kWidth];
          int64_t place[kWidth];
          for (int64_t k = 0; k < n; ++k) {
            best[k] = -INFINITY;
            place[k] = -1;
          }
          // As in tfjs-core: the whole window counts, also the part outside the image.
          const float scale = 1.0f / static_cast<float>(w.height * w.width);
          for (int64_t ky = y0; ky < y1; ++ky) {
            for (int64_t kx = x0; kx < x1; ++kx) {
              const int64_t at = ((oy * w.strideH - w.padTop + ky * w.dilationH) * w.inWidth + ox * w.strideW - w.padLeft +
                                  kx * w.dilationW) *
                                 c;
              if (kMax) {
                const float* values = wideX.tensor().f32() + b * image + c0 + at;
                for (int64_t k = 0; k < n; ++k) {
                  if (place[k] < 0 || values[k] > best[k]) {
                    best[k] = values[k];
                    place[k] = at;
                  }
                }
              } else {
                for (int64_t k = 0; k < n; ++k) to[at + k] += from[k] * scale;
              }
            }
          }
          if (kMax) {
            for (int64_t k = 0; k < n; ++k) {
              if (place[k] >= 0) to[place[k] + k] += from[k];
            }
          }
        }
      }
    }
  });
  result.store();
}

}  // namespace

void registerPool(Registry& r) {
  r.add("AvgPool", pool<false>);
  r.add("MaxPool", pool<true>);
  r.add("AvgPoolGrad", poolGrad<false>);
  r.add("MaxPoolGrad", poolGrad<true>);
}

}  // namespace uc

// Convolution without oneDNN: direct loops over the window. Also the reference of the fast version.
#include <vector>

#include "../runtime/parallel.h"
#include "convert.h"
#include "convolution.h"

namespace uc {

namespace {

// Calls f(output pixel, input pixel, filter position) for every pair of pixels that the window joins in output row `row`.
template <class F>
void joinRow(const Window& w, int64_t row, const F& f) {
  int64_t y0, y1, x0, x1;
  const int64_t b = row / w.outHeight;
  const int64_t oy = row % w.outHeight;
  w.rows(oy, y0, y1);
  for (int64_t ox = 0; ox < w.outWidth; ++ox) {
    w.cols(ox, x0, x1);
    for (int64_t ky = y0; ky < y1; ++ky) {
      for (int64_t kx = x0; kx < x1; ++kx) {
        const int64_t iy = oy * w.strideH - w.padTop + ky * w.dilationH;
        const int64_t ix = ox * w.strideW - w.padLeft + kx * w.dilationW;
        f(row * w.outWidth + ox, (b * w.inHeight + iy) * w.inWidth + ix, ky * w.width + kx);
      }
    }
  }
}

}  // namespace

void convForward(Context& context, const Convolution& conv, const Tensor& x, const Tensor& filter, const Tensor* bias,
                 const Tensor& y) {
  const Window& w = conv.window;
  const Converted wideX(context, x, Phys::F32);
  const Converted wideF(context, filter, Phys::F32);
  FloatResult result(context, y);
  const int64_t ci = w.inChannels;
  const int64_t co = w.outChannels;
  parallelFor(w.batch * w.outHeight, w.outWidth * co * w.height * w.width * ci, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      float* out = result.values() + row * w.outWidth * co;
      for (int64_t i = 0; i < w.outWidth * co; ++i) out[i] = bias == nullptr ? 0 : bias->f32()[i % co];
      joinRow(w, row, [&](int64_t to, int64_t from, int64_t at) {
        const float* pixel = wideX.tensor().f32() + from * ci;
        float* sum = result.values() + to * co;
        if (conv.groups == 1) {
          const float* weights = wideF.tensor().f32() + at * ci * co;
          for (int64_t i = 0; i < ci; ++i) {
            for (int64_t o = 0; o < co; ++o) sum[o] += pixel[i] * weights[i * co + o];
          }
        } else {
          const float* weights = wideF.tensor().f32() + at * co;
          for (int64_t o = 0; o < co; ++o) sum[o] += pixel[o / (co / ci)] * weights[o];
        }
      });
    }
  });
  result.store();
}

void convBackwardData(Context& context, const Convolution& conv, const Tensor& dy, const Tensor& filter,
                      const Tensor& dx) {
  const Window& w = conv.window;
  const Converted wideDy(context, dy, Phys::F32);
  const Converted wideF(context, filter, Phys::F32);
  FloatResult result(context, dx);
  const int64_t ci = w.inChannels;
  const int64_t co = w.outChannels;
  // Windows overlap inside an image, so a thread takes whole images.
  parallelFor(w.batch, w.outHeight * w.outWidth * co * w.height * w.width * ci, [&](int64_t begin, int64_t end) {
    const int64_t image = w.inHeight * w.inWidth * ci;
    std::fill(result.values() + begin * image, result.values() + end * image, 0.0f);
    for (int64_t row = begin * w.outHeight; row < end * w.outHeight; ++row) {
      joinRow(w, row, [&](int64_t from, int64_t to, int64_t at) {
        const float* grad = wideDy.tensor().f32() + from * co;
        float* sum = result.values() + to * ci;
        if (conv.groups == 1) {
          const float* weights = wideF.tensor().f32() + at * ci * co;
          for (int64_t i = 0; i < ci; ++i) {
            float total = 0;
            for (int64_t o = 0; o < co; ++o) total += grad[o] * weights[i * co + o];
            sum[i] += total;
          }
        } else {
          const float* weights = wideF.tensor().f32() + at * co;
          for (int64_t o = 0; o < co; ++o) sum[o / (co / ci)] += grad[o] * weights[o];
        }
      });
    }
  });
  result.store();
}

void convBackwardFilter(Context& context, const Convolution& conv, const Tensor& x, const Tensor& dy,
                        const Tensor& dFilter) {
  const Window& w = conv.window;
  const Converted wideX(context, x, Phys::F32);
  const Converted wideDy(context, dy, Phys::F32);
  const int64_t ci = w.inChannels;
  const int64_t co = w.outChannels;
  float* sums = dFilter.f32();
  std::fill(sums, sums + dFilter.count, 0.0f);
  // A thread owns a range of output channels of the filter.
  parallelFor(co, w.batch * w.outHeight * w.outWidth * w.height * w.width * ci, [&](int64_t begin, int64_t end) {
    for (int64_t row = 0; row < w.batch * w.outHeight; ++row) {
      joinRow(w, row, [&](int64_t out, int64_t in, int64_t at) {
        const float* pixel = wideX.tensor().f32() + in * ci;
        const float* grad = wideDy.tensor().f32() + out * co;
        if (conv.groups == 1) {
          for (int64_t i = 0; i < ci; ++i) {
            float* to = sums + (at * ci + i) * co;
            for (int64_t o = begin; o < end; ++o) to[o] += pixel[i] * grad[o];
          }
        } else {
          for (int64_t o = begin; o < end; ++o) sums[at * co + o] += pixel[o / (co / ci)] * grad[o];
        }
      });
    }
  });
}

}  // namespace uc

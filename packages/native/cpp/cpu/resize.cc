// Nearest and bilinear resizing of NHWC images and their exact adjoints. Memory bound.
#include "../runtime/parallel.h"
#include "convert.h"
#include "register.h"
#include "resize.h"

namespace uc {

namespace {

// images, height, width, alignCorners, halfPixelCenters -> resized images.
template <bool kBilinear>
void resize(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const int64_t height = args.integer();
  const int64_t width = args.integer();
  const bool alignCorners = args.flag();
  const bool halfPixel = args.flag();
  const Resize r(x.dims, height, width, kBilinear, alignCorners, halfPixel);
  const Tensor y = results.make(Dims{r.batch, height, width, r.channels}, x.phys);
  const Converted wide(context, x, Phys::F32);
  FloatResult result(context, y);
  const float* image = wide.tensor().f32();
  const int64_t c = r.channels;
  parallelFor(r.batch * height, width * c * (kBilinear ? 4 : 1), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const Tap& ty = r.rows[row % height];
      const float* low = image + (row / height * r.inHeight + ty.low) * r.inWidth * c;
      const float* high = image + (row / height * r.inHeight + ty.high) * r.inWidth * c;
      for (int64_t ox = 0; ox < width; ++ox) {
        const Tap& tx = r.cols[ox];
        float* to = result.values() + (row * width + ox) * c;
        if (!kBilinear) {
          std::memcpy(to, low + tx.low * c, static_cast<size_t>(c) * 4);
          continue;
        }
        const float* a = low + tx.low * c;
        const float* b = low + tx.high * c;
        const float* d = high + tx.low * c;
        const float* e = high + tx.high * c;
        for (int64_t k = 0; k < c; ++k) {
          const float top = a[k] + (b[k] - a[k]) * tx.weight;
          const float bottom = d[k] + (e[k] - d[k]) * tx.weight;
          to[k] = top + (bottom - top) * ty.weight;
        }
      }
    }
  });
  result.store();
}

void addScaled(float* to, const float* from, float scale, int64_t n) {
  for (int64_t k = 0; k < n; ++k) to[k] += from[k] * scale;
}

// dy, input height, input width, alignCorners, halfPixelCenters -> gradient of the images.
// A thread owns a range of source rows and adds what the output rows give to them.
template <bool kBilinear>
void resizeGrad(Context& context, Args& args, Results& results) {
  const Tensor dy = args.floatTensor();
  const int64_t height = args.integer();
  const int64_t width = args.integer();
  const bool alignCorners = args.flag();
  const bool halfPixel = args.flag();
  if (dy.dims.rank() != 4 || height < 1 || width < 1) fail("a gradient [batch, height, width, channels] is needed");
  const Dims image{dy.dims[0], height, width, dy.dims[3]};
  const Tensor dx = results.make(image, dy.phys);
  if (dx.count == 0) return;
  if (dy.count == 0) fail("the gradient is empty");
  const Resize r(image, dy.dims[1], dy.dims[2], kBilinear, alignCorners, halfPixel);
  const Converted wide(context, dy, Phys::F32);
  FloatResult result(context, dx);
  const int64_t c = r.channels;
  parallelFor(r.batch * height, r.outHeight * r.outWidth / height * c * 4, [&](int64_t begin, int64_t end) {
    std::fill(result.values() + begin * width * c, result.values() + end * width * c, 0.0f);
    const auto addRow = [&](int64_t b, int64_t row, int64_t oy, float scale) {
      const int64_t owned = b * height + row;
      if (owned < begin || owned >= end || scale == 0.0f) return;
      const float* from = wide.tensor().f32() + (b * r.outHeight + oy) * r.outWidth * c;
      float* to = result.values() + owned * width * c;
      for (int64_t ox = 0; ox < r.outWidth; ++ox) {
        const Tap& tx = r.cols[ox];
        if (!kBilinear || tx.low == tx.high) {
          addScaled(to + tx.low * c, from + ox * c, scale, c);
        } else {
          addScaled(to + tx.low * c, from + ox * c, scale * (1 - tx.weight), c);
          addScaled(to + tx.high * c, from + ox * c, scale * tx.weight, c);
        }
      }
    };
    for (int64_t b = begin / height; b <= (end - 1) / height; ++b) {
      for (int64_t oy = 0; oy < r.outHeight; ++oy) {
        const Tap& ty = r.rows[oy];
        if (!kBilinear || ty.low == ty.high) {
          addRow(b, ty.low, oy, 1);
        } else {
          addRow(b, ty.low, oy, 1 - ty.weight);
          addRow(b, ty.high, oy, ty.weight);
        }
      }
    }
  });
  result.store();
}

}  // namespace

void registerResize(Registry& r) {
  r.add("ResizeNearestNeighbor", resize<false>);
  r.add("ResizeBilinear", resize<true>);
  r.add("ResizeNearestNeighborGrad", resizeGrad<false>);
  r.add("ResizeBilinearGrad", resizeGrad<true>);
}

}  // namespace uc

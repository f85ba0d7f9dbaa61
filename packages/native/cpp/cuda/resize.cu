// Nearest and bilinear resizing of NHWC images and their exact adjoints. Memory bound; one thread per result, with the taps of
// rows and columns in tables.
#include "../cpu/resize.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

// Taps of the outputs, and for each source coordinate the range of outputs that use it.
class TapTable {
 public:
  TapTable(Context& context, const std::vector<Tap>& taps, int64_t sources)
      : taps_(context, taps.data(), static_cast<int64_t>(taps.size())), ranges_(rangesOf(context, taps, sources)) {}
  const Tap* taps() const { return taps_.data(); }
  const int64_t* ranges() const { return ranges_.data(); }  // begin and end for each source

 private:
  static DeviceTable<int64_t> rangesOf(Context& context, const std::vector<Tap>& taps, int64_t sources) {
    std::vector<int64_t> ranges(static_cast<size_t>(2 * std::max<int64_t>(sources, 1)), 0);
    for (size_t i = 0; i < taps.size(); ++i) {
      for (const int64_t source : {taps[i].low, taps[i].high}) {
        int64_t* range = &ranges[static_cast<size_t>(2 * source)];
        if (range[0] == range[1]) range[0] = static_cast<int64_t>(i);
        range[1] = static_cast<int64_t>(i) + 1;
      }
    }
    return DeviceTable<int64_t>(context, ranges.data(), static_cast<int64_t>(ranges.size()));
  }

  DeviceTable<Tap> taps_;
  DeviceTable<int64_t> ranges_;
};

// images, height, width, alignCorners, halfPixelCenters -> resized images
template <bool kBilinear>
void resize(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const int64_t height = args.integer();
  const int64_t width = args.integer();
  const bool alignCorners = args.flag();
  const bool halfPixel = args.flag();
  const Resize r(x.dims, height, width, kBilinear, alignCorners, halfPixel);
  const Tensor y = results.make(Dims{r.batch, height, width, r.channels}, x.phys);
  if (y.count == 0) return;
  const TapTable rowTable(context, r.rows, r.inHeight), colTable(context, r.cols, r.inWidth);
  const Tap *rows = rowTable.taps(), *cols = colTable.taps();
  const int64_t c = r.channels, inHeight = r.inHeight, inWidth = r.inWidth;
  const Floats in(x), out(y);
  forEach(context, y.count, [=] __device__(int64_t i) {
    const int64_t k = i % c, row = i / (c * width);
    const Tap ty = rows[row % height], tx = cols[i / c % width];
    const int64_t low = (row / height * inHeight + ty.low) * inWidth, high = (row / height * inHeight + ty.high) * inWidth;
    const float a = in[(low + tx.low) * c + k];
    if (!kBilinear) return out.put(i, a);
    const float b = in[(low + tx.high) * c + k], d = in[(high + tx.low) * c + k], e = in[(high + tx.high) * c + k];
    const float top = a + (b - a) * tx.weight, bottom = d + (e - d) * tx.weight;
    out.put(i, top + (bottom - top) * ty.weight);
  });
}

// What an output gives to a source coordinate.
UC_HD inline float shareOf(const Tap& tap, int64_t source) {
  if (tap.low == tap.high) return 1.0f;
  return tap.low == source ? 1 - tap.weight : tap.high == source ? tap.weight : 0.0f;
}

// dy, input height, input width, alignCorners, halfPixelCenters -> gradient of the images
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
  const TapTable rowTable(context, r.rows, height), colTable(context, r.cols, width);
  const Tap *rows = rowTable.taps(), *cols = colTable.taps();
  const int64_t *rowRange = rowTable.ranges(), *colRange = colTable.ranges();
  const int64_t c = r.channels, outHeight = r.outHeight, outWidth = r.outWidth;
  const Floats upstream(dy), out(dx);
  forEach(context, dx.count, [=] __device__(int64_t i) {
    const int64_t k = i % c, column = i / c % width, line = i / (c * width) % height, batch = i / (c * width * height);
    float sum = 0;
    for (int64_t oy = rowRange[2 * line]; oy < rowRange[2 * line + 1]; ++oy) {
      const float down = shareOf(rows[oy], line);
      if (down == 0.0f) continue;
      for (int64_t ox = colRange[2 * column]; ox < colRange[2 * column + 1]; ++ox) {
        sum += upstream[((batch * outHeight + oy) * outWidth + ox) * c + k] * (down * shareOf(cols[ox], column));
      }
    }
    out.put(i, sum);
  });
}

}  // namespace

void registerCudaResize(Registry& r) {
  r.addCuda("ResizeNearestNeighbor", resize<false>);
  r.addCuda("ResizeBilinear", resize<true>);
  r.addCuda("ResizeNearestNeighborGrad", resizeGrad<false>);
  r.addCuda("ResizeBilinearGrad", resizeGrad<true>);
}

}  // namespace uc

// The geometry of resizing NHWC images; shared by the devices.
#pragma once

#include <cmath>
#include <vector>

#include "../runtime/args.h"

namespace uc {

// For one output coordinate: the two source coordinates and the weight of the second.
struct Tap {
  int64_t low, high;
  float weight;
};

inline std::vector<Tap> makeTaps(int64_t in, int64_t out, bool bilinear, bool alignCorners, bool halfPixel) {
  const bool aligned = alignCorners && out > 1;
  const double ratio = static_cast<double>(aligned ? in - 1 : in) / static_cast<double>(aligned ? out - 1 : out);
  std::vector<Tap> taps(out);
  for (int64_t i = 0; i < out; ++i) {
    const double half = halfPixel ? 0.5 : 0.0;
    if (bilinear) {
      const double at = ratio * (static_cast<double>(i) + half) - half;
      const double low = std::fmax(0.0, std::floor(at));
      const double high = std::fmax(0.0, std::ceil(at));
      taps[i] = {std::min(in - 1, static_cast<int64_t>(low)), std::min(in - 1, static_cast<int64_t>(high)),
                 static_cast<float>(at - low)};
    } else {
      const double at = ratio * (static_cast<double>(i) + half);
      const double nearest = alignCorners ? std::floor(at + 0.5) : std::floor(at);
      const int64_t index = std::min(in - 1, static_cast<int64_t>(std::fmax(0.0, nearest)));
      taps[i] = {index, index, 0.0f};
    }
  }
  return taps;
}

struct Resize {
  int64_t batch, inHeight, inWidth, channels, outHeight, outWidth;
  std::vector<Tap> rows, cols;

  Resize(const Dims& image, int64_t height, int64_t width, bool bilinear, bool alignCorners, bool halfPixel)
      : outHeight(height), outWidth(width) {
    if (image.rank() != 4) fail("an image batch [batch, height, width, channels] is needed");
    if (height < 1 || width < 1 || height > (1 << 24) || width > (1 << 24)) fail("a size below 1");
    batch = image[0];
    inHeight = image[1];
    inWidth = image[2];
    channels = image[3];
    if (batch > 0 && (inHeight < 1 || inWidth < 1)) fail("an empty image");
    rows = makeTaps(inHeight, height, bilinear, alignCorners, halfPixel);
    cols = makeTaps(inWidth, width, bilinear, alignCorners, halfPixel);
  }
};

}  // namespace uc

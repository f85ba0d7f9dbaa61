// The arguments of the group normalisation kernels; shared by the devices.
#pragma once

#include <algorithm>

#include "../runtime/args.h"

namespace uc {

struct GroupNormProblem {
  Tensor x, weight, bias;
  int64_t batch, pixels, channels, groups, perGroup;
  int64_t parts;  // stretches of pixels whose statistics are taken one by one
  bool silu;

  // x [B, H, W, C], weight [C], bias [C]; groups, silu
  static GroupNormProblem read(Args& args) {
    GroupNormProblem p;
    p.x = args.floatTensor();
    p.weight = args.floatTensor();
    p.bias = args.floatTensor();
    p.groups = args.integer();
    p.silu = args.flag();
    if (p.x.dims.rank() != 4) fail("x [B, H, W, C] is needed");
    p.batch = p.x.dims[0];
    p.pixels = p.x.dims[1] * p.x.dims[2];
    p.channels = p.x.dims[3];
    if (p.groups < 1 || p.channels % p.groups != 0 || p.weight.count != p.channels || p.bias.count != p.channels) {
      fail("weight and bias [C] with C divisible by " + std::to_string(p.groups) + " are needed");
    }
    p.perGroup = p.channels / p.groups;
    p.parts = std::clamp<int64_t>(p.pixels / 64, 1, 32);
    return p;
  }
  int64_t firstPixel(int64_t part) const { return pixels * part / parts; }
  // The first element of a pixel.
  int64_t at(int64_t sample, int64_t pixel) const { return (sample * pixels + pixel) * channels; }
};

}  // namespace uc

// The clipping of GRPO's policy loss, for kernels without vectors.
#pragma once

#include "../runtime/args.h"

namespace uc {

struct Clipping {
  float low, high, advantage;

  static Clipping read(Args& args) {
    Clipping c{};
    c.low = static_cast<float>(args.real());
    c.high = static_cast<float>(args.real());
    c.advantage = static_cast<float>(args.real());
    return c;
  }
  UC_HD float limited(float a) const {
    if (advantage <= 0.0f) return a;
    return a > advantage ? advantage : (a < -advantage ? -advantage : a);
  }
  UC_HD float clipped(float ratio) const {
    const float top = 1.0f + high, bottom = 1.0f - low;
    return ratio > top ? top : (ratio < bottom ? bottom : ratio);
  }
};

}  // namespace uc

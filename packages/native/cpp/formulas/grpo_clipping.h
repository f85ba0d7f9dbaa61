// The clipping of GRPO's policy loss. A value V is a float or a vector of floats.
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
  template <class V>
  UC_HD V limited(V a) const {
    return advantage <= 0.0f ? a : within(a, -advantage, advantage);
  }
  template <class V>
  UC_HD V clipped(V ratio) const {
    return within(ratio, 1.0f - low, 1.0f + high);
  }

 private:
  // NaN stays NaN.
  template <class V>
  UC_HD static V within(V x, float least, float most) {
    const V top = V{} + most, bottom = V{} + least, below = x > top ? top : x;
    return below < bottom ? bottom : below;
  }
};

}  // namespace uc

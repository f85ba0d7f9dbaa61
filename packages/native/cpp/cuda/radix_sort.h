// A stable sort of 32-bit integers on the device.
#pragma once

#include "kernel.h"

namespace uc {

// Integers in ascending order (their sign bit inverted, so that they compare as unsigned) and where each of them stood.
class SortedKeys {
 public:
  SortedKeys(Context& context, const int32_t* values, int64_t n);
  const uint32_t* keys() const { return keys_[0].data(); }
  const int32_t* positions() const { return positions_[0].data(); }

 private:
  DeviceScratch<uint32_t> keys_[2];
  DeviceScratch<int32_t> positions_[2];
};

}  // namespace uc

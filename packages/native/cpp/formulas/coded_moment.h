// A moment of AdamW as it is stored in bytes; shared by the devices.
#pragma once

#include <string>

#include "../runtime/args.h"
#include "block_codes.h"

namespace uc {

struct CodedMoment {
  uint8_t* codes;
  float* scales;

  // codes u8 [count], scales f32, one for each block of codes
  static CodedMoment read(Args& args, int64_t count) {
    const Tensor codes = args.tensor(), scales = args.targetTensor();
    if (codes.phys != Phys::U8 || codes.count != count) fail("a byte of every weight is needed as codes");
    if (scales.phys != Phys::F32 || scales.count != codeBlocks(count)) {
      fail("a scale of each of " + std::to_string(codeBlocks(count)) + " blocks is needed");
    }
    return {codes.u8(), scales.f32()};
  }
};

}  // namespace uc

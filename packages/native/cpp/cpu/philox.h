// Philox4x32-10 counter-based random words; the same algorithm as src/ops/philox.ts.
#pragma once

#include <cstdint>

#include "../runtime/args.h"

namespace uc {

struct PhiloxKey {
  uint32_t seedLow, seedHigh, counterLow, counterHigh, stream;

  // Five integers: the parts in the order above, as the bits of int32.
  static PhiloxKey read(Args& args) {
    PhiloxKey key{};
    for (uint32_t* part : {&key.seedLow, &key.seedHigh, &key.counterLow, &key.counterHigh, &key.stream}) {
      *part = static_cast<uint32_t>(args.integer());
    }
    return key;
  }
};

struct PhiloxBlock {
  uint32_t word[4];
};

// Block `index` of the sequence of a key: four words.
UC_HD inline PhiloxBlock philox(const PhiloxKey& key, uint32_t index) {
  uint32_t c0 = index, c1 = key.counterLow, c2 = key.counterHigh, c3 = key.stream;
  uint32_t k0 = key.seedLow, k1 = key.seedHigh;
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c0;
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

// Uniform in [0, 1) with 24 bits.
UC_HD inline float unitFloat(uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

}  // namespace uc

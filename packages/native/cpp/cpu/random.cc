// Philox4x32-10 uniform and normal numbers; the same algorithm, step by step, as src/ops/philox.ts, and the same bits.
//
// Compute bound: about 100 integer operations per block of four values, and for normals one logarithm and one
// sine/cosine pair per two values. Fused multiply-adds would round differently from JavaScript, so they are off here.
#pragma GCC optimize("fp-contract=off")

#include <bit>
#include <cmath>

#include "../runtime/parallel.h"
#include "fused.h"
#include "philox.h"

namespace uc {

namespace {

// -2 ln((word + 1) / 2^32)
double minusTwoLog(uint32_t word) {
  const uint64_t n = uint64_t{word} + 1;
  int exponent = 63 - std::countl_zero(n);
  double m = static_cast<double>(n) / static_cast<double>(uint64_t{1} << exponent);
  if (m > 1.4142135623730951) {
    m = m * 0.5;
    exponent = exponent + 1;
  }
  const double s = (m - 1) / (m + 1);
  const double z = s * s;
  double p = 1.0 / 15;
  for (const double c : {1.0 / 13, 1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1.0}) p = p * z + c;
  const double logarithm = 2 * s * p + (exponent - 32) * 0.6931471805599453;
  return -2 * logarithm;
}

struct Pair {
  float first, second;
};

// Box-Muller; the second word is an angle in units of 2 pi / 2^32, reduced to a quarter turn around zero.
Pair boxMuller(uint32_t word, uint32_t turn) {
  const double radius = std::sqrt(minusTwoLog(word));
  const uint64_t quarter = (uint64_t{turn} + (1u << 29)) >> 30;
  const double angle = static_cast<double>(static_cast<int64_t>(turn) - static_cast<int64_t>(quarter << 30)) *
                       1.4629180792671596e-9;
  const double z = angle * angle;
  double cosine = 1.0 / 479001600;
  for (const double c : {-1.0 / 3628800, 1.0 / 40320, -1.0 / 720, 1.0 / 24, -0.5, 1.0}) cosine = cosine * z + c;
  double sine = 1.0 / 6227020800.0;
  for (const double c : {-1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6, 1.0}) sine = sine * z + c;
  sine = sine * angle;
  const int side = static_cast<int>(quarter & 3);
  const double x = side == 0 ? cosine : side == 1 ? -sine : side == 2 ? -cosine : sine;
  const double y = side == 0 ? sine : side == 1 ? cosine : side == 2 ? -sine : -cosine;
  return {static_cast<float>(radius * x), static_cast<float>(radius * y)};
}

void normalBlock(const PhiloxBlock& block, float* out) {
  for (int pair = 0; pair < 4; pair += 2) {
    const Pair values = boxMuller(block.word[pair], block.word[pair + 1]);
    out[pair] = values.first;
    out[pair + 1] = values.second;
  }
}

void uniformBlock(const PhiloxBlock& block, float* out) {
  for (int i = 0; i < 4; ++i) out[i] = unitFloat(block.word[i]);
}

// dims; then seed low, seed high, counter low, counter high, stream as the bits of int32
template <class F>
void addRandom(Registry& registry, const char* name, F fill) {
  registry.add(name, [fill](Context&, Args& args, Results& results) {
    const Dims dims = args.dims();
    const PhiloxKey key = PhiloxKey::read(args);
    const Tensor out = results.make(dims, Phys::F32);
    if ((out.count + 3) / 4 > (int64_t{1} << 32)) fail("more values than one key can give");
    float* values = out.f32();
    parallelFor((out.count + 3) / 4, 64, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        float four[4];
        fill(philox(key, static_cast<uint32_t>(b)), four);
        for (int64_t i = 0; i < std::min<int64_t>(4, out.count - 4 * b); ++i) values[4 * b + i] = four[i];
      }
    });
  });
}

}  // namespace

void registerRandom(Registry& registry) {
  addRandom(registry, "PhiloxNormal", normalBlock);
  addRandom(registry, "PhiloxUniform", uniformBlock);
}

}  // namespace uc

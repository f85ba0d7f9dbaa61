// Least significant digit first, 8 bits a pass. Each block counts the digits of its stretch; the counts become the places of the
// digits; each block then moves its stretch, one thread per digit, so that equal keys keep their order.
#include "radix_sort.h"

namespace uc {

namespace {

constexpr int kDigits = 256, kBits = 8, kPasses = 4;
constexpr int64_t kStretch = 2048;

struct Pass {
  const uint32_t* keysIn;
  const int32_t* positionsIn;
  uint32_t* keysOut;
  int32_t* positionsOut;
  int32_t* places;  // [digits, blocks]: counts, then where the digit of a block begins
  int64_t n, blocks;
  int shift;

  __device__ int digit(int64_t i) const { return static_cast<int>(keysIn[i] >> shift & (kDigits - 1)); }
};

void beginSort(Context& context, const int32_t* values, int64_t n, uint32_t* keys, int32_t* positions) {
  forEach(context, n, [=] __device__(int64_t i) {
    keys[i] = static_cast<uint32_t>(values[i]) ^ 0x80000000u;
    positions[i] = static_cast<int32_t>(i);
  });
}

void countDigits(Context& context, const Pass& p) {
  forEachBlock(context, p.blocks, [=] __device__(int64_t block) {
    __shared__ int counts[kDigits];
    for (int d = static_cast<int>(threadIdx.x); d < kDigits; d += kBlockThreads) counts[d] = 0;
    __syncthreads();
    const int64_t begin = block * kStretch;
    for (int64_t i = begin + threadIdx.x; i < begin + kStretch && i < p.n; i += kBlockThreads) {
      atomicAdd(&counts[p.digit(i)], 1);
    }
    __syncthreads();
    for (int d = static_cast<int>(threadIdx.x); d < kDigits; d += kBlockThreads) p.places[d * p.blocks + block] = counts[d];
  });
}

// Exclusive running sum of all counts by one block: each thread sums a stretch, then adds what lies before it.
void countsToPlaces(Context& context, const Pass& p) {
  forEachBlock(context, 1, [=] __device__(int64_t) {
    __shared__ int32_t sums[kBlockThreads];
    const int64_t t = threadIdx.x, n = kDigits * p.blocks;
    const int64_t begin = n * t / kBlockThreads, end = n * (t + 1) / kBlockThreads;
    int32_t own = 0;
    for (int64_t i = begin; i < end; ++i) own += p.places[i];
    sums[t] = own;
    __syncthreads();
    int32_t before = 0;
    for (int64_t i = 0; i < t; ++i) before += sums[i];
    for (int64_t i = begin; i < end; ++i) {
      const int32_t count = p.places[i];
      p.places[i] = before;
      before += count;
    }
  });
}

void moveKeys(Context& context, const Pass& p) {
  forEachBlock(context, p.blocks, [=] __device__(int64_t block) {
    const int64_t begin = block * kStretch;
    for (int d = static_cast<int>(threadIdx.x); d < kDigits; d += kBlockThreads) {
      int32_t place = p.places[d * p.blocks + block];
      for (int64_t i = begin; i < begin + kStretch && i < p.n; ++i) {
        if (p.digit(i) != d) continue;
        p.keysOut[place] = p.keysIn[i];
        p.positionsOut[place] = p.positionsIn[i];
        ++place;
      }
    }
  });
}

}  // namespace

SortedKeys::SortedKeys(Context& context, const int32_t* values, int64_t n)
    : keys_{{context, std::max<int64_t>(n, 1)}, {context, std::max<int64_t>(n, 1)}},
      positions_{{context, std::max<int64_t>(n, 1)}, {context, std::max<int64_t>(n, 1)}} {
  Pass p{};
  p.n = n;
  p.blocks = (n + kStretch - 1) / kStretch;
  const DeviceScratch<int32_t> places(context, std::max<int64_t>(kDigits * p.blocks, 1));
  p.places = places.data();
  beginSort(context, values, n, keys_[0].data(), positions_[0].data());
  for (int pass = 0; pass < kPasses; ++pass) {
    p.keysIn = keys_[pass % 2].data();
    p.positionsIn = positions_[pass % 2].data();
    p.keysOut = keys_[1 - pass % 2].data();
    p.positionsOut = positions_[1 - pass % 2].data();
    p.shift = pass * kBits;
    if (n == 0) return;
    countDigits(context, p);
    countsToPlaces(context, p);
    moveKeys(context, p);
  }
}

}  // namespace uc

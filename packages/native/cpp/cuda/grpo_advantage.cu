// GrpoAdvantage: rewards of N samples -> advantages relative to their group (same group id).
//
// Samples are brought into the order of their ids by a stable radix sort (4 passes of 8 bits, 24 bytes per sample and pass), so
// that a group is a run; the thread at the head of a run gathers its moments in the order of the samples and writes its
// advantages. Ids may be anything. Results never change from run to run.
#include "../formulas/grpo_moments.h"
#include "radix_sort.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

// Moments of all samples from those of the groups, merged in the order of the ids by one block.
void mergeAll(Context& context, const RewardMoments* groups, int64_t n, RewardMoments* all) {
  forEachBlock(context, 1, [=] __device__(int64_t) {
    __shared__ double partMemory[kBlockThreads * sizeof(RewardMoments) / sizeof(double)];
    RewardMoments* parts = reinterpret_cast<RewardMoments*>(partMemory);
    RewardMoments own;
    const int64_t t = threadIdx.x;
    for (int64_t i = n * t / kBlockThreads; i < n * (t + 1) / kBlockThreads; ++i) own.merge(groups[i]);
    parts[t] = own;
    __syncthreads();
    if (t != 0) return;
    for (int i = 1; i < kBlockThreads; ++i) own.merge(parts[i]);
    *all = own;
  });
}

// rewards [N], groups i32 [N]; scope, leaveOneOut, epsilon, clip (0: none) -> advantages [N], groups, zero-variance groups
void advantage(Context& context, Args& args, Results& results) {
  const Tensor rewards = args.floatTensor();
  const Tensor ids = args.intTensor();
  const AdvantageRule rule = AdvantageRule::read(args);
  if (ids.count != rewards.count) fail("one group id per reward is needed");
  const int64_t n = rewards.count;
  float* out = results.make({n}, Phys::F32).f32();
  int32_t* groupCount = results.make({}, Phys::I32).i32();
  int32_t* zeroCount = results.make({}, Phys::I32).i32();
  forEach(context, 1, [=] __device__(int64_t) { *groupCount = *zeroCount = 0; });
  if (n == 0) return;
  const Floats reward(rewards);
  const SortedKeys sorted(context, ids.i32(), n);
  const uint32_t* key = sorted.keys();
  const int32_t* sample = sorted.positions();
  // The moments of a group lie at the head of its run; elsewhere the count is 0.
  const DeviceScratch<RewardMoments> memory(context, n + 1);
  RewardMoments* moments = memory.data();
  RewardMoments* all = moments + n;
  forEach(context, n, [=] __device__(int64_t i) {
    RewardMoments own;
    if (i == 0 || key[i - 1] != key[i]) {
      for (int64_t j = i; j < n && key[j] == key[i]; ++j) own.add(reward[sample[j]]);
      atomicAdd(groupCount, 1);
      if (own.deviation() < kZeroDeviation) atomicAdd(zeroCount, 1);
    }
    moments[i] = own;
  });
  if (rule.scope == AdvantageScope::Global) mergeAll(context, moments, n, all);
  const bool global = rule.scope == AdvantageScope::Global;
  forEach(context, n, [=] __device__(int64_t i) {
    if (moments[i].count == 0) return;
    const AdvantageLine line = rule.line(moments[i], global ? *all : RewardMoments{});
    for (int64_t j = i; j < i + moments[i].count; ++j) out[sample[j]] = rule.advantage(reward[sample[j]], line);
  });
}

}  // namespace

void registerCudaGrpoAdvantage(Registry& r) { r.addCuda("GrpoAdvantage", advantage); }

}  // namespace uc

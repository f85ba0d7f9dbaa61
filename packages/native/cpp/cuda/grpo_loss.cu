// The clipped policy loss of GRPO per sample, and the KL divergence of two Gaussians of one variance per sample.
//
// Memory bound: GrpoLoss reads 12 bytes and writes 4 per sample; its gradient recomputes the ratio.
#include "../formulas/grpo_clipping.h"
#include "register.h"
#include "row_sums.h"

namespace uc {

namespace {

struct Samples {
  Floats now, old, given;
  Clipping clipping;

  UC_HD float ratio(int64_t i) const { return std::exp(now[i] - old[i]); }
  UC_HD float advantage(int64_t i) const { return clipping.limited(given[i]); }
};

// logProb, oldLogProb, advantage [N]; clipLow, clipHigh, advantageClip
Samples readSamples(Args& args, int64_t& n) {
  const Tensor now = args.floatTensor();
  const Tensor old = args.floatTensor();
  const Tensor advantage = args.floatTensor();
  const Clipping clipping = Clipping::read(args);
  n = now.count;
  if (old.count != n || advantage.count != n) fail("three vectors of one length are needed");
  return {Floats(now), Floats(old), Floats(advantage), clipping};
}

// -> loss [N], share of samples with a ratio above the range, share below
void loss(Context& context, Args& args, Results& results) {
  int64_t n = 0;
  const Samples samples = readSamples(args, n);
  float* out = results.make({n}, Phys::F32).f32();
  float* above = results.make({}, Phys::F32).f32();
  float* below = results.make({}, Phys::F32).f32();
  const DeviceScratch<int> memory(context, 2);
  int* counts = memory.data();
  forEach(context, 2, [=] __device__(int64_t i) { counts[i] = 0; });
  forEach(context, n, [=] __device__(int64_t i) {
    const float a = samples.advantage(i), ratio = samples.ratio(i);
    const float free = -a * ratio, bound = -a * samples.clipping.clipped(ratio);
    out[i] = free > bound || free != free ? free : bound;
    if (ratio - 1.0f > samples.clipping.high) atomicAdd(counts, 1);
    if (1.0f - ratio > samples.clipping.low) atomicAdd(counts + 1, 1);
  });
  forEach(context, 1, [=] __device__(int64_t) {
    *above = n == 0 ? 0.0f : static_cast<float>(static_cast<double>(counts[0]) / n);
    *below = n == 0 ? 0.0f : static_cast<float>(static_cast<double>(counts[1]) / n);
  });
}

// dLoss, then as above -> dLogProb [N]
void lossGrad(Context& context, Args& args, Results& results) {
  const Tensor dLoss = args.floatTensor();
  int64_t n = 0;
  const Samples samples = readSamples(args, n);
  if (dLoss.count != n) fail("one upstream gradient per sample is needed");
  const Floats upstream(dLoss);
  float* out = results.make({n}, Phys::F32).f32();
  forEach(context, n, [=] __device__(int64_t i) {
    const float a = samples.advantage(i), ratio = samples.ratio(i);
    const float free = -a * ratio, bound = -a * samples.clipping.clipped(ratio);
    out[i] = free < bound ? 0.0f : upstream[i] * free;
  });
}

struct Pair {
  Tensor mean, reference;
};

Pair readPair(Args& args) {
  Pair p;
  p.mean = args.floatTensor();
  p.reference = args.floatTensor();
  if (p.mean.dims.rank() != 2 || p.reference.dims != p.mean.dims) fail("two tensors [B, n] of one shape are needed");
  return p;
}

DeviceTable<double> readWeights(Context& context, Args& args, int64_t rows) {
  std::vector<double> weights(static_cast<size_t>(rows));
  for (double& weight : weights) weight = args.real();
  return DeviceTable<double>(context, weights.data(), rows);
}

// mean, reference [B, n]; weights [B] -> weight * mean((mean - reference)^2), [B]
void kl(Context& context, Args& args, Results& results) {
  const Pair p = readPair(args);
  const int64_t rows = p.mean.dims[0], n = p.mean.dims[1];
  const DeviceTable<double> table = readWeights(context, args, rows);
  const double* weights = table.data();
  const Floats a(p.mean), b(p.reference);
  float* out = results.make({rows}, Phys::F32).f32();
  sumEachRow(
      context, rows, n,
      [=] __device__(int64_t row, int64_t column) {
        const double d = a[row * n + column] - b[row * n + column];
        return d * d;
      },
      [=] __device__(int64_t row, double sum) {
        out[row] = n == 0 ? 0.0f : static_cast<float>(weights[row] * sum / static_cast<double>(n));
      });
}

// mean, reference [B, n], dKl [B]; weights [B] -> dMean [B, n]
void klGrad(Context& context, Args& args, Results& results) {
  const Pair p = readPair(args);
  const Tensor dKl = args.floatTensor();
  const int64_t rows = p.mean.dims[0], n = p.mean.dims[1];
  if (dKl.count != rows) fail("one upstream gradient per sample is needed");
  const DeviceTable<double> table = readWeights(context, args, rows);
  const double* weights = table.data();
  const Floats a(p.mean), b(p.reference), upstream(dKl);
  float* out = results.make(p.mean.dims, Phys::F32).f32();
  forEach(context, p.mean.count, [=] __device__(int64_t i) {
    const int64_t row = i / n;
    out[i] = static_cast<float>(2.0 * weights[row] / n * upstream[row]) * (a[i] - b[i]);
  });
}

}  // namespace

void registerCudaGrpoLoss(Registry& r) {
  r.addCuda("GrpoLoss", loss);
  r.addCuda("GrpoLossGrad", lossGrad);
  r.addCuda("GaussianKl", kl);
  r.addCuda("GaussianKlGrad", klGrad);
}

}  // namespace uc

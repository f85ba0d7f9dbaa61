// The flow sampler's stochastic step with its log-probability and the gradient of that, and the interpolation of training.
//
// Memory bound: FlowSdeStep reads 12 bytes and writes 8 per element, FlowInterpolate 8 and 8. The mean is written with an explicit
// fused multiply-add, as on the CPU, so that a log-probability recomputed with the same velocity is the one of the step.
#include "../cpu/flow_step.h"
#include "register.h"
#include "row_sums.h"

namespace uc {

namespace {

// clean, noise [T, C], times [T] -> noised, velocity [T, C]
void interpolate(Context& context, Args& args, Results& results) {
  const Tensor clean = args.floatTensor();
  const Tensor noise = args.floatTensor();
  const Tensor times = args.floatTensor();
  if (clean.dims.rank() != 2 || noise.dims != clean.dims || times.count != clean.dims[0]) {
    fail("clean and noise [T, C] and times [T] are needed");
  }
  const int64_t columns = clean.dims[1];
  const Floats x(clean), e(noise), t(times);
  float* noised = results.make(clean.dims, Phys::F32).f32();
  float* velocity = results.make(clean.dims, Phys::F32).f32();
  forEach(context, clean.count, [=] __device__(int64_t i) {
    const float late = t[i / columns], early = 1.0f - late;
    noised[i] = early * x[i] + late * e[i];
    velocity[i] = e[i] - x[i];
  });
}

// x, velocity, noise [B, n]; per sample a, b, s -> next, mean [B, n], logProb [B]
void step(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const Tensor velocity = args.floatTensor();
  const Tensor noise = args.floatTensor();
  checkShapes(x, velocity, noise);
  const int64_t rows = x.dims[0], n = x.dims[1];
  const std::vector<FlowStep> list = readSteps(args, rows);
  const DeviceTable<FlowStep> table(context, list.data(), rows);
  const FlowStep* steps = table.data();
  const Floats state(x), v(velocity), e(noise);
  float* next = results.make(x.dims, Phys::F32).f32();
  float* mean = results.make(x.dims, Phys::F32).f32();
  float* logProb = results.make({rows}, Phys::F32).f32();
  sumEachRow(
      context, rows, n,
      [=] __device__(int64_t row, int64_t column) {
        const FlowStep s = steps[row];
        const int64_t i = row * n + column;
        const float m = s.mean(state[i], v[i]);
        const float end = s.deviation > 0.0f ? std::fma(e[i], s.deviation, m) : m;
        mean[i] = m;
        next[i] = end;
        const float d = end - m;
        return static_cast<double>(d) * d;
      },
      [=] __device__(int64_t row, double squares) { logProb[row] = logProbability(steps[row], squares, n); });
}

// next, x, velocity [B, n]; per sample a, b, s -> logProb [B], mean [B, n]
void stepLogProb(Context& context, Args& args, Results& results) {
  const Tensor next = args.floatTensor();
  const Tensor x = args.floatTensor();
  const Tensor velocity = args.floatTensor();
  checkShapes(next, x, velocity);
  const int64_t rows = x.dims[0], n = x.dims[1];
  const std::vector<FlowStep> list = readSteps(args, rows);
  const DeviceTable<FlowStep> table(context, list.data(), rows);
  const FlowStep* steps = table.data();
  const Floats last(next), state(x), v(velocity);
  float* logProb = results.make({rows}, Phys::F32).f32();
  float* mean = results.make(x.dims, Phys::F32).f32();
  sumEachRow(
      context, rows, n,
      [=] __device__(int64_t row, int64_t column) {
        const int64_t i = row * n + column;
        const float m = steps[row].mean(state[i], v[i]);
        mean[i] = m;
        const float d = last[i] - m;
        return static_cast<double>(d) * d;
      },
      [=] __device__(int64_t row, double squares) { logProb[row] = logProbability(steps[row], squares, n); });
}

// next, x, velocity [B, n], dLogProb [B], dMean [B, n]; per sample a, b, s -> dVelocity [B, n]
void stepLogProbGrad(Context& context, Args& args, Results& results) {
  const Tensor next = args.floatTensor();
  const Tensor x = args.floatTensor();
  const Tensor velocity = args.floatTensor();
  const Tensor dLogProb = args.floatTensor();
  const Tensor dMean = args.floatTensor();
  checkShapes(next, x, velocity);
  const int64_t rows = x.dims[0], n = x.dims[1];
  if (dLogProb.count != rows || dMean.count != x.count) fail("dLogProb [B] and dMean [B, n] are needed");
  const std::vector<FlowStep> list = readSteps(args, rows);
  const DeviceTable<FlowStep> table(context, list.data(), rows);
  const FlowStep* steps = table.data();
  const Floats last(next), state(x), v(velocity), upstream(dLogProb), dm(dMean);
  float* out = results.make(x.dims, Phys::F32).f32();
  forEach(context, x.count, [=] __device__(int64_t i) {
    const int64_t row = i / n;
    const FlowStep s = steps[row];
    const float factor = static_cast<float>(-2.0 * s.precision() / n * upstream[row]);
    out[i] = s.velocity * (dm[i] + factor * (last[i] - s.mean(state[i], v[i])));
  });
}

}  // namespace

void registerCudaFlow(Registry& r) {
  r.addCuda("FlowInterpolate", interpolate);
  r.addCuda("FlowSdeStep", step);
  r.addCuda("FlowSdeLogProb", stepLogProb);
  r.addCuda("FlowSdeLogProbGrad", stepLogProbGrad);
}

}  // namespace uc

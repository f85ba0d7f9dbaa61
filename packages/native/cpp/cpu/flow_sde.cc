// One stochastic step of a flow sampler with its log-probability, the log-probability of a given next state, and the gradient
// of the latter with respect to the velocity.
//
//   mean = a x + b v      next = mean + s noise      logProb = -mean((next - mean)^2) / (2 s^2), 0 where s = 0
//
// a, b, s per sample come from JavaScript in float64. Memory bound: 12 bytes read and 8 written per element of a step. The
// mean is written with explicit fused multiply-adds, so that every kernel here gives the same bits for it: recomputed with the
// same velocity, a log-probability is the one of the step.
#include "convert.h"
#include "flow_step.h"
#include "fused.h"
#include "row_sums.h"

namespace uc {

void registerFlowSde(Registry& registry) {
  // x, velocity, noise [B, n]; per sample a, b, s -> next, mean [B, n], logProb [B]
  registry.add("FlowSdeStep", [](Context& context, Args& args, Results& results) {
    const Tensor x = args.floatTensor();
    const Tensor velocity = args.floatTensor();
    const Tensor noise = args.floatTensor();
    checkShapes(x, velocity, noise);
    const int64_t rows = x.dims[0], n = x.dims[1];
    const std::vector<FlowStep> steps = readSteps(args, rows);
    const Converted states(context, x, Phys::F32), velocities(context, velocity, Phys::F32);
    const Converted noises(context, noise, Phys::F32);
    float* next = results.make(x.dims, Phys::F32).f32();
    float* mean = results.make(x.dims, Phys::F32).f32();
    float* logProb = results.make({rows}, Phys::F32).f32();
    const float* state = states.tensor().f32();
    const float* v = velocities.tensor().f32();
    const float* e = noises.tensor().f32();
    sumEachRow(context, rows, n, 2, [&](int64_t row, int64_t begin, int64_t end) {
      const FlowStep step = steps[row];
      double squares = 0.0;
#pragma omp simd reduction(+ : squares)
      for (int64_t i = row * n + begin; i < row * n + end; ++i) {
        mean[i] = step.mean(state[i], v[i]);
        next[i] = step.deviation > 0.0f ? std::fma(e[i], step.deviation, mean[i]) : mean[i];
        const float d = next[i] - mean[i];
        squares += static_cast<double>(d) * d;
      }
      return squares;
    }, [&](int64_t row, double squares) { logProb[row] = logProbability(steps[row], squares, n); });
  });

  // next, x, velocity [B, n]; per sample a, b, s -> logProb [B], mean [B, n]
  registry.add("FlowSdeLogProb", [](Context& context, Args& args, Results& results) {
    const Tensor next = args.floatTensor();
    const Tensor x = args.floatTensor();
    const Tensor velocity = args.floatTensor();
    checkShapes(next, x, velocity);
    const int64_t rows = x.dims[0], n = x.dims[1];
    const std::vector<FlowStep> steps = readSteps(args, rows);
    const Converted ends(context, next, Phys::F32), states(context, x, Phys::F32);
    const Converted velocities(context, velocity, Phys::F32);
    float* logProb = results.make({rows}, Phys::F32).f32();
    float* mean = results.make(x.dims, Phys::F32).f32();
    const float* last = ends.tensor().f32();
    const float* state = states.tensor().f32();
    const float* v = velocities.tensor().f32();
    sumEachRow(context, rows, n, 2, [&](int64_t row, int64_t begin, int64_t end) {
      const FlowStep step = steps[row];
      double squares = 0.0;
#pragma omp simd reduction(+ : squares)
      for (int64_t i = row * n + begin; i < row * n + end; ++i) {
        mean[i] = step.mean(state[i], v[i]);
        const float d = last[i] - mean[i];
        squares += static_cast<double>(d) * d;
      }
      return squares;
    }, [&](int64_t row, double squares) { logProb[row] = logProbability(steps[row], squares, n); });
  });

  // next, x, velocity [B, n], dLogProb [B], dMean [B, n]; per sample a, b, s -> dVelocity [B, n]
  registry.add("FlowSdeLogProbGrad", [](Context& context, Args& args, Results& results) {
    const Tensor next = args.floatTensor();
    const Tensor x = args.floatTensor();
    const Tensor velocity = args.floatTensor();
    const Tensor dLogProb = args.floatTensor();
    const Tensor dMean = args.floatTensor();
    checkShapes(next, x, velocity);
    const int64_t rows = x.dims[0], n = x.dims[1];
    if (dLogProb.count != rows || dMean.count != x.count) fail("dLogProb [B] and dMean [B, n] are needed");
    const std::vector<FlowStep> steps = readSteps(args, rows);
    const Converted ends(context, next, Phys::F32), states(context, x, Phys::F32);
    const Converted velocities(context, velocity, Phys::F32), upstream(context, dLogProb, Phys::F32);
    const Converted means(context, dMean, Phys::F32);
    float* out = results.make(x.dims, Phys::F32).f32();
    for (int64_t row = 0; row < rows; ++row) {
      const FlowStep step = steps[row];
      const float factor = static_cast<float>(-2.0 * step.precision() / n * upstream.tensor().f32()[row]);
      const float* last = ends.tensor().f32() + row * n;
      const float* state = states.tensor().f32() + row * n;
      const float* v = velocities.tensor().f32() + row * n;
      const float* dm = means.tensor().f32() + row * n;
      float* d = out + row * n;
      parallelFor(n, 2, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          d[i] = step.velocity * (dm[i] + factor * (last[i] - step.mean(state[i], v[i])));
        }
      });
    }
  });
}

}  // namespace uc

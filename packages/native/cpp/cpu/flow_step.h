// One stochastic step of a flow sampler: its coefficients per sample and the formulas that every kernel shares.
#pragma once

#include <cmath>
#include <vector>

#include "../runtime/args.h"

namespace uc {

struct FlowStep {
  float x, velocity, deviation;

  UC_HD float mean(float state, float v) const { return std::fma(v, velocity, state * x); }
  // -1 / (2 s^2), or 0 for a step without noise.
  UC_HD double precision() const {
    const double s = deviation;
    return s > 0.0 ? -0.5 / (s * s) : 0.0;
  }
};

inline std::vector<FlowStep> readSteps(Args& args, int64_t samples) {
  std::vector<FlowStep> steps(static_cast<size_t>(samples));
  for (FlowStep& step : steps) {
    step.x = static_cast<float>(args.real());
    step.velocity = static_cast<float>(args.real());
    step.deviation = static_cast<float>(args.real());
  }
  return steps;
}

inline void checkShapes(const Tensor& a, const Tensor& b, const Tensor& c) {
  if (a.dims.rank() != 2 || b.dims != a.dims || c.dims != a.dims) fail("three tensors [B, n] of one shape are needed");
}

UC_HD inline float logProbability(const FlowStep& step, double squares, int64_t n) {
  return n == 0 ? 0.0f : static_cast<float>(step.precision() * squares / static_cast<double>(n));
}

}  // namespace uc

// Statistics of rewards and the advantages made from them, for kernels without vectors.
#pragma once

#include <cmath>

#include "../runtime/args.h"

namespace uc {

constexpr double kZeroDeviation = 1e-6;

enum class AdvantageScope { Group = 0, Global = 1, None = 2 };

// Sum and sum of squares of (reward - first).
struct RewardMoments {
  double sum = 0.0, squares = 0.0;
  float first = 0.0f;
  int32_t count = 0;

  UC_HD void add(float reward) {
    if (count == 0) first = reward;
    const double d = static_cast<double>(reward) - first;
    sum += d;
    squares += d * d;
    ++count;
  }
  UC_HD void merge(const RewardMoments& other) {
    if (other.count == 0) return;
    if (count == 0) {
      *this = other;
      return;
    }
    const double shift = static_cast<double>(other.first) - first;
    sum += other.sum + other.count * shift;
    squares += other.squares + 2.0 * shift * other.sum + other.count * shift * shift;
    count += other.count;
  }
  UC_HD double mean() const { return first + sum / count; }
  UC_HD double deviation() const {
    const double offset = sum / count;
    const double variance = squares / count - offset * offset;
    return variance > 0.0 ? std::sqrt(variance) : variance * 0.0;  // NaN stays NaN
  }
};

// advantage = (reward - mean) * scale
struct AdvantageLine {
  double mean, scale;
};

struct AdvantageRule {
  AdvantageScope scope;
  bool leaveOneOut;
  double epsilon, clip;  // clip 0: none

  // scope, leaveOneOut, epsilon, clip
  static AdvantageRule read(Args& args) {
    const int64_t scope = args.integer();
    const bool leaveOneOut = args.flag();
    const double epsilon = args.real();
    const double clip = args.real();
    if (scope < 0 || scope > 2) fail("unknown scope " + std::to_string(scope));
    return {static_cast<AdvantageScope>(scope), leaveOneOut, epsilon, clip};
  }
  // `own` are the moments of the group, `all` those of every sample.
  UC_HD AdvantageLine line(const RewardMoments& own, const RewardMoments& all) const {
    const double others = !leaveOneOut ? 1.0 : own.count > 1 ? own.count / (own.count - 1.0) : 0.0;
    const double spread = scope == AdvantageScope::Group ? own.deviation() : scope == AdvantageScope::Global ? all.deviation() : 0;
    const double divisor = scope == AdvantageScope::None ? 1.0 : spread + epsilon;
    return {own.mean(), others / divisor};
  }
  UC_HD float advantage(float reward, const AdvantageLine& line) const {
    double a = (reward - line.mean) * line.scale;
    if (clip > 0.0) a = a > clip ? clip : (a < -clip ? -clip : a);
    return static_cast<float>(a);
  }
};

}  // namespace uc

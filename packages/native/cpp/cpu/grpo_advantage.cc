// GrpoAdvantage: rewards of N samples -> advantages relative to their group (same group id).
//
// Memory bound: two passes over rewards and ids (8 bytes each) and one write of 4 bytes per sample. Statistics are float64,
// taken relative to the first reward of the group, so that a group of equal rewards gives exactly 0. They are gathered in a
// number of parts that depends on sizes alone: the result does not depend on the number of threads.
#include <cmath>
#include <limits>
#include <unordered_map>
#include <vector>

#include "convert.h"
#include "fused.h"

namespace uc {

namespace {

constexpr double kZeroDeviation = 1e-6;

enum class Scope { Group = 0, Global = 1, None = 2 };

// Sum and sum of squares of (reward - first).
struct Moments {
  double sum = 0.0, squares = 0.0;
  float first = 0.0f;
  int32_t count = 0;

  void add(float reward) {
    if (count == 0) first = reward;
    const double d = static_cast<double>(reward) - first;
    sum += d;
    squares += d * d;
    ++count;
  }
  void merge(const Moments& other) {
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
  double mean() const { return first + sum / count; }
  double deviation() const {
    const double offset = sum / count;
    const double variance = squares / count - offset * offset;
    return variance > 0.0 ? std::sqrt(variance) : variance * 0.0;  // NaN stays NaN
  }
};

// Group ids as indices of a table: by an offset where the ids lie close together, by a hash table otherwise.
class GroupIndex {
 public:
  GroupIndex(const int32_t* ids, int64_t n) : ids_(ids) {
    int32_t low = std::numeric_limits<int32_t>::max(), high = std::numeric_limits<int32_t>::min();
    for (int64_t i = 0; i < n; ++i) {
      low = std::min(low, ids[i]);
      high = std::max(high, ids[i]);
    }
    if (n == 0) return;
    const int64_t range = int64_t{high} - low + 1;
    if (range <= 4 * n + 1024) {
      base_ = low;
      size_ = range;
      return;
    }
    std::unordered_map<int32_t, int32_t> known;
    own_.resize(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) {
      own_[i] = known.emplace(ids[i], static_cast<int32_t>(known.size())).first->second;
    }
    ids_ = own_.data();
    size_ = static_cast<int64_t>(known.size());
  }
  int64_t size() const { return size_; }
  int64_t at(int64_t sample) const { return int64_t{ids_[sample]} - base_; }

 private:
  const int32_t* ids_;
  int32_t base_ = 0;
  int64_t size_ = 0;
  std::vector<int32_t> own_;
};

std::vector<Moments> gather(const float* rewards, int64_t n, const GroupIndex& groups) {
  const int64_t parts = n < 65536 ? 1 : std::clamp<int64_t>(n / (4 * groups.size()), 1, 8);
  std::vector<Moments> tables(static_cast<size_t>(parts * groups.size()));
  parallelFor(parts, n / parts * 2, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      Moments* table = tables.data() + part * groups.size();
      for (int64_t i = n * part / parts; i < n * (part + 1) / parts; ++i) table[groups.at(i)].add(rewards[i]);
    }
  });
  for (int64_t part = 1; part < parts; ++part) {
    for (int64_t g = 0; g < groups.size(); ++g) tables[g].merge(tables[part * groups.size() + g]);
  }
  tables.resize(static_cast<size_t>(groups.size()));
  return tables;
}

// advantage = (reward - mean) * scale
struct Line {
  double mean, scale;
};

}  // namespace

void registerGrpoAdvantage(Registry& registry) {
  // rewards [N], groups i32 [N]; scope, leaveOneOut, epsilon, clip (0: none) -> advantages [N], groups, zero-variance groups
  registry.add("GrpoAdvantage", [](Context& context, Args& args, Results& results) {
    const Tensor rewards = args.floatTensor();
    const Tensor ids = args.intTensor();
    const int64_t scopeCode = args.integer();
    const bool leaveOneOut = args.flag();
    const double epsilon = args.real();
    const double clip = args.real();
    if (ids.count != rewards.count) fail("one group id per reward is needed");
    if (scopeCode < 0 || scopeCode > 2) fail("unknown scope " + std::to_string(scopeCode));
    const Scope scope = static_cast<Scope>(scopeCode);
    const int64_t n = rewards.count;
    const Tensor out = results.make({n}, Phys::F32);
    int32_t* groupCount = results.make({}, Phys::I32).i32();
    int32_t* zeroCount = results.make({}, Phys::I32).i32();
    *groupCount = *zeroCount = 0;
    const Converted wide(context, rewards, Phys::F32);
    const float* values = wide.tensor().f32();
    const GroupIndex groups(ids.i32(), n);
    if (n == 0) return;
    const std::vector<Moments> moments = gather(values, n, groups);
    Moments all;
    if (scope == Scope::Global) {
      for (const Moments& m : moments) all.merge(m);
    }
    std::vector<Line> lines(moments.size());
    for (size_t g = 0; g < moments.size(); ++g) {
      const Moments& m = moments[g];
      if (m.count == 0) continue;
      const double own = m.deviation();
      ++*groupCount;
      *zeroCount += own < kZeroDeviation;
      const double others = !leaveOneOut ? 1.0 : m.count > 1 ? m.count / (m.count - 1.0) : 0.0;
      const double divisor = scope == Scope::None ? 1.0 : (scope == Scope::Group ? own : all.deviation()) + epsilon;
      lines[g] = {m.mean(), others / divisor};
    }
    float* advantages = out.f32();
    parallelFor(n, 2, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const Line& line = lines[groups.at(i)];
        double a = (values[i] - line.mean) * line.scale;
        if (clip > 0.0) a = a > clip ? clip : (a < -clip ? -clip : a);
        advantages[i] = static_cast<float>(a);
      }
    });
  });
}

}  // namespace uc

// GrpoAdvantage: rewards of N samples -> advantages relative to their group (same group id).
//
// Memory bound: rewards and ids are read (8 bytes) and advantages written (4 bytes per sample), once where the samples of a
// group stand together with rising ids, twice and with a table of groups otherwise. Statistics are float64, taken relative to
// the first reward of the group, so that a group of equal rewards gives exactly 0. The work is cut into parts by sizes alone:
// the result does not depend on the number of threads.
#include <atomic>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <vector>

#include "convert.h"
#include "fused.h"
#include "lanes.h"

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

struct Options {
  Scope scope;
  bool leaveOneOut;
  double epsilon, clip;  // clip 0: none

  double limited(double advantage) const {
    if (clip <= 0.0) return advantage;
    return advantage > clip ? clip : (advantage < -clip ? -clip : advantage);
  }
};

// advantage = (reward - mean) * scale
struct Line {
  double mean, scale;
};

struct Counts {
  int32_t groups = 0, withoutVariance = 0;
};

// The line of a group, and its place in the counts. `allDeviation` is used in the global scope.
Line lineOf(const Moments& m, const Options& options, double allDeviation, Counts& counts) {
  const double own = m.deviation();
  ++counts.groups;
  counts.withoutVariance += own < kZeroDeviation;
  const double others = !options.leaveOneOut ? 1.0 : m.count > 1 ? m.count / (m.count - 1.0) : 0.0;
  const double deviation = options.scope == Scope::Group ? own : allDeviation;
  return {m.mean(), others / (options.scope == Scope::None ? 1.0 : deviation + options.epsilon)};
}

typedef double Doubles __attribute__((vector_size(kLanes / 2 * sizeof(double))));
typedef float HalfFloats __attribute__((vector_size(kLanes / 2 * sizeof(float))));
constexpr int64_t kDoubles = kLanes / 2;

// The first kDoubles of n values, or all of them with `rest` behind.
Doubles loadDoubles(const float* values, int64_t n, float rest) {
  HalfFloats part = HalfFloats{} + rest;
  if (n >= kDoubles) {
    std::memcpy(&part, values, sizeof part);
  } else {
    for (int64_t i = 0; i < n; ++i) part[i] = values[i];
  }
  return __builtin_convertvector(part, Doubles);
}

double sumDoubles(Doubles v) {
  double x[kDoubles];
  std::memcpy(x, &v, sizeof v);
  for (int64_t n = kDoubles / 2; n > 0; n /= 2) {
    for (int64_t i = 0; i < n; ++i) x[i] += x[i + n];
  }
  return x[0];
}

Moments momentsOf(const float* values, int64_t n) {
  Doubles sum = {}, squares = {};
  for (int64_t i = 0; i < n; i += kDoubles) {
    const Doubles d = loadDoubles(values + i, n - i, values[0]) - static_cast<double>(values[0]);
    sum += d;
    squares += d * d;
  }
  return {sumDoubles(sum), sumDoubles(squares), values[0], static_cast<int32_t>(n)};
}

void writeRun(const float* values, int64_t n, const Line& line, const Options& options, float* out) {
  const double limit = options.clip > 0.0 ? options.clip : std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < n; i += kDoubles) {
    Doubles a = (loadDoubles(values + i, n - i, 0.0f) - line.mean) * line.scale;
    a = a > limit ? Doubles{} + limit : a;
    a = a < -limit ? Doubles{} - limit : a;
    const HalfFloats narrow = __builtin_convertvector(a, HalfFloats);
    if (n - i >= kDoubles) {
      std::memcpy(out + i, &narrow, sizeof narrow);
    } else {
      for (int64_t j = 0; j < n - i; ++j) out[i + j] = narrow[j];
    }
  }
}

int64_t runEnd(const int32_t* ids, int64_t begin, int64_t n) {
  int64_t end = begin + 1;
  while (end < n && ids[end] == ids[begin]) ++end;
  return end;
}

// One pass over groups that stand together with rising ids. False, with `out` in disorder, when they do not.
bool advantagesOfRuns(const float* values, const int32_t* ids, int64_t n, const Options& options, float* out,
                      Counts& counts) {
  constexpr int64_t kPart = 16384;
  const int64_t parts = (n + kPart - 1) / kPart;
  const double all = options.scope == Scope::Global ? momentsOf(values, n).deviation() : 0.0;
  std::atomic<int32_t> groups{0}, withoutVariance{0};
  std::atomic<bool> rising{true};
  parallelFor(parts, 4 * kPart, [&](int64_t firstPart, int64_t endPart) {
    const int64_t end = std::min(endPart * kPart, n);
    int64_t at = firstPart * kPart;
    // A run that began before belongs to the part before.
    while (at > 0 && at < end && ids[at] == ids[at - 1]) ++at;
    Counts own;
    while (at < end && rising.load(std::memory_order_relaxed)) {
      const int64_t next = runEnd(ids, at, n);
      if (next < n && ids[next] < ids[at]) rising.store(false, std::memory_order_relaxed);
      writeRun(values + at, next - at, lineOf(momentsOf(values + at, next - at), options, all, own), options, out + at);
      at = next;
    }
    groups += own.groups;
    withoutVariance += own.withoutVariance;
  });
  counts = {groups, withoutVariance};
  return rising;
}

// Groups in any order.
void advantagesOfTable(const float* values, const int32_t* ids, int64_t n, const Options& options, float* out,
                       Counts& counts) {
  const GroupIndex groups(ids, n);
  const std::vector<Moments> moments = gather(values, n, groups);
  Moments all;
  if (options.scope == Scope::Global) {
    for (const Moments& m : moments) all.merge(m);
  }
  const double deviation = options.scope == Scope::Global ? all.deviation() : 0.0;
  std::vector<Line> lines(moments.size());
  for (size_t g = 0; g < moments.size(); ++g) {
    if (moments[g].count > 0) lines[g] = lineOf(moments[g], options, deviation, counts);
  }
  parallelFor(n, 2, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Line& line = lines[groups.at(i)];
      out[i] = static_cast<float>(options.limited((values[i] - line.mean) * line.scale));
    }
  });
}

}  // namespace

void registerGrpoAdvantage(Registry& registry) {
  // rewards [N], groups i32 [N]; scope, leaveOneOut, epsilon, clip (0: none) -> advantages [N], groups, zero-variance groups
  registry.add("GrpoAdvantage", [](Context& context, Args& args, Results& results) {
    const Tensor rewards = args.floatTensor();
    const Tensor ids = args.intTensor();
    const int64_t scopeCode = args.integer();
    const bool leaveOneOut = args.flag();
    const double epsilon = args.real(), clip = args.real();
    if (ids.count != rewards.count) fail("one group id per reward is needed");
    if (scopeCode < 0 || scopeCode > 2) fail("unknown scope " + std::to_string(scopeCode));
    const Options options{static_cast<Scope>(scopeCode), leaveOneOut, epsilon, clip};
    const int64_t n = rewards.count;
    float* out = results.make({n}, Phys::F32).f32();
    const Converted wide(context, rewards, Phys::F32);
    const float* values = wide.tensor().f32();
    Counts counts;
    if (n > 0 && !advantagesOfRuns(values, ids.i32(), n, options, out, counts)) {
      counts = {};
      advantagesOfTable(values, ids.i32(), n, options, out, counts);
    }
    *results.make({}, Phys::I32).i32() = counts.groups;
    *results.make({}, Phys::I32).i32() = counts.withoutVariance;
  });
}

}  // namespace uc

// GrpoAdvantage: rewards of N samples -> advantages relative to their group (same group id).
//
// Memory bound: rewards and ids are read (8 bytes) and advantages written (4 bytes per sample), once where the samples of a
// group stand together with rising ids, twice and with a table of groups otherwise. Statistics are float64, taken relative to
// the first reward of the group, so that a group of equal rewards gives exactly 0; advantages are computed in float32 from
// that distance, which loses nothing where rewards are large and their differences small. The work is cut into parts by
// sizes alone: the result does not depend on the number of threads.
#include <atomic>
#include <bit>
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

typedef double Doubles __attribute__((vector_size(kLanes / 2 * sizeof(double))));
typedef float HalfFloats __attribute__((vector_size(kLanes / 2 * sizeof(float))));
constexpr int64_t kDoubles = kLanes / 2;

double root(double x) { return std::sqrt(x); }
Doubles root(Doubles v) {
  double x[kDoubles];
  std::memcpy(x, &v, sizeof v);
  for (double& value : x) value = std::sqrt(value);
  std::memcpy(&v, x, sizeof v);
  return v;
}

// Of one group (D is double) or of several side by side (Doubles): sum and sum of squares of (reward - first).
template <class D>
struct Statistics {
  D sum, squares, count;

  // The mean, as distance from the first reward.
  D offset() const { return sum / count; }
  D deviation() const {
    const D variance = squares / count - offset() * offset();
    return root(variance > 0.0 ? variance : variance * 0.0);  // NaN stays NaN
  }
};

// The same, sample by sample.
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
  Statistics<double> statistics() const { return {sum, squares, static_cast<double>(count)}; }
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

  float limit() const { return clip > 0.0 ? static_cast<float>(clip) : std::numeric_limits<float>::infinity(); }
};

// advantage = ((reward - first) - offset) * scale, within +-limit; a value V is a float or a vector of floats.
template <class D>
struct Line {
  D offset, scale;
};
template <class V>
V advantageOf(V reward, float first, const Line<float>& line, float limit) {
  const V high = V{} + limit, low = -high, a = ((reward - first) - line.offset) * line.scale;
  const V below = a > high ? high : a;
  return below < low ? low : below;
}

struct Counts {
  int32_t groups = 0, withoutVariance = 0;
};

// The line of groups with the deviations `own`. `allDeviation` is used in the global scope.
template <class D>
Line<D> lineOf(const Statistics<D>& s, const D& own, const Options& options, double allDeviation) {
  const D one = s.count / s.count;
  const D others = !options.leaveOneOut ? one : s.count > 1.0 ? s.count / (s.count - 1.0) : s.count - 1.0;
  switch (options.scope) {
    case Scope::Group:
      return {s.offset(), others / (own + options.epsilon)};
    case Scope::Global:
      return {s.offset(), others / (allDeviation + options.epsilon)};
    case Scope::None:
      break;
  }
  return {s.offset(), others};
}

// Large scales stay finite, so that equal rewards give 0 with the smallest epsilon too.
Line<float> narrowed(double offset, double scale) {
  const double most = std::numeric_limits<float>::max();
  return {static_cast<float>(offset), static_cast<float>(scale > most && std::isfinite(scale) ? most : scale)};
}

Doubles loadDoubles(const float* values) {
  HalfFloats part;
  std::memcpy(&part, values, sizeof part);
  return __builtin_convertvector(part, Doubles);
}

// The first n < kDoubles values, `rest` behind them.
Doubles loadDoubles(const float* values, int64_t n, float rest) {
#ifdef __AVX512VL__
  const __mmask8 there = static_cast<__mmask8>((1u << n) - 1);
  return (Doubles)_mm512_cvtps_pd(_mm256_mask_loadu_ps(_mm256_set1_ps(rest), there, values));
#else
  float part[kDoubles];
  for (int64_t i = 0; i < kDoubles; ++i) part[i] = i < n ? values[i] : rest;
  return loadDoubles(part);
#endif
}

// Lane k is the sum of the lanes of rows[k].
Doubles sumsOf(const Doubles (&rows)[kDoubles]) {
#ifdef __AVX512F__
  __m512d two[4], four[2];
  for (int i = 0; i < 4; ++i) {
    const __m512d a = (__m512d)rows[2 * i], b = (__m512d)rows[2 * i + 1];
    two[i] = _mm512_add_pd(_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
  }
  const auto halved = [](__m512d a, __m512d b) {
    return _mm512_add_pd(_mm512_shuffle_f64x2(a, b, 0x88), _mm512_shuffle_f64x2(a, b, 0xDD));
  };
  for (int i = 0; i < 2; ++i) four[i] = halved(two[2 * i], two[2 * i + 1]);
  return (Doubles)halved(four[0], four[1]);
#else
  Doubles sums = {};
  for (int64_t k = 0; k < kDoubles; ++k) {
    for (int64_t i = 0; i < kDoubles; ++i) sums[k] += rows[k][i];
  }
  return sums;
#endif
}

// Sums over the n values of a run that are still spread over lanes.
struct Spread {
  Doubles sum, squares;
};

inline Spread spreadOf(const float* values, int64_t n) {
  const double first = values[0];
  Doubles sum = {}, squares = {};
  int64_t i = 0;
  for (; i + kDoubles <= n; i += kDoubles) {
    const Doubles d = loadDoubles(values + i) - first;
    sum += d;
    squares += d * d;
  }
  if (i < n) {
    const Doubles d = loadDoubles(values + i, n - i, values[0]) - first;
    sum += d;
    squares += d * d;
  }
  return {sum, squares};
}

inline void writeRun(const float* values, int64_t n, const Line<float>& line, float limit, float* out) {
  const float first = values[0];
  eachVector(0, n, [&](int64_t, const auto& load, const auto& store) {
    store(out, advantageOf(load(values), first, line, limit));
  });
}

int64_t runEnd(const int32_t* ids, int64_t begin, int64_t n) {
  int64_t end = begin + 1;
#ifdef __AVX512F__
  const __m512i own = _mm512_set1_epi32(ids[begin]);
  for (; end + kLanes <= n; end += kLanes) {
    const __mmask16 other = _mm512_cmpneq_epi32_mask(_mm512_loadu_si512(ids + end), own);
    if (other != 0) return end + std::countr_zero(static_cast<uint32_t>(other));
  }
#endif
  while (end < n && ids[end] == ids[begin]) ++end;
  return end;
}

// Runs that follow each other, one per lane: joining the lanes of each run and dividing by its size would take longer than
// reading the rewards.
class Batch {
 public:
  Batch(const float* values, const Options& options, double allDeviation, float* out)
      : values_(values), options_(options), allDeviation_(allDeviation), out_(out) {}

  void add(int64_t begin, int64_t end) {
    const Spread run = spreadOf(values_ + begin, end - begin);
    sums_[held_] = run.sum;
    squares_[held_] = run.squares;
    count_[held_] = static_cast<double>(end - begin);
    begin_[held_] = begin;
    if (++held_ == kDoubles) finish();
  }
  // Writes the advantages of the runs that are held.
  void finish() {
    for (int64_t k = held_; k < kDoubles; ++k) count_[k] = 1.0;
    const Statistics<Doubles> s{sumsOf(sums_), sumsOf(squares_), count_};
    const Doubles own = s.deviation();
    const Line<Doubles> line = lineOf(s, own, options_, allDeviation_);
    for (int64_t k = 0; k < held_; ++k) {
      counts_.withoutVariance += own[k] < kZeroDeviation;
      writeRun(values_ + begin_[k], static_cast<int64_t>(count_[k]), narrowed(line.offset[k], line.scale[k]),
               options_.limit(), out_ + begin_[k]);
    }
    counts_.groups += static_cast<int32_t>(held_);
    held_ = 0;
  }
  const Counts& counts() const { return counts_; }

 private:
  const float* values_;
  const Options& options_;
  double allDeviation_;
  float* out_;
  Counts counts_;
  int64_t held_ = 0;
  Doubles sums_[kDoubles] = {}, squares_[kDoubles] = {}, count_ = {};
  int64_t begin_[kDoubles] = {};
};

double deviationOf(const float* values, int64_t n) {
  const Spread all = spreadOf(values, n);
  return Statistics<Doubles>{sumsOf({all.sum}), sumsOf({all.squares}), Doubles{} + static_cast<double>(n)}.deviation()[0];
}

// One pass over groups that stand together with rising ids. False, with `out` in disorder, when they do not.
bool advantagesOfRuns(const float* values, const int32_t* ids, int64_t n, const Options& options, float* out,
                      Counts& counts) {
  constexpr int64_t kPart = 16384;
  const int64_t parts = (n + kPart - 1) / kPart;
  const double all = options.scope == Scope::Global ? deviationOf(values, n) : 0.0;
  std::atomic<int32_t> groups{0}, withoutVariance{0};
  std::atomic<bool> rising{true};
  parallelFor(parts, 4 * kPart, [&](int64_t firstPart, int64_t endPart) {
    const int64_t end = std::min(endPart * kPart, n);
    int64_t at = firstPart * kPart;
    // A run that began before belongs to the part before.
    while (at > 0 && at < end && ids[at] == ids[at - 1]) ++at;
    Batch batch(values, options, all, out);
    while (at < end && rising.load(std::memory_order_relaxed)) {
      const int64_t next = runEnd(ids, at, n);
      if (next < n && ids[next] < ids[at]) rising.store(false, std::memory_order_relaxed);
      batch.add(at, next);
      at = next;
    }
    batch.finish();
    groups += batch.counts().groups;
    withoutVariance += batch.counts().withoutVariance;
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
  const double deviation = options.scope == Scope::Global ? all.statistics().deviation() : 0.0;
  std::vector<Line<float>> lines(moments.size());
  for (size_t g = 0; g < moments.size(); ++g) {
    if (moments[g].count == 0) continue;
    const Statistics<double> s = moments[g].statistics();
    const double own = s.deviation();
    const Line<double> line = lineOf(s, own, options, deviation);
    lines[g] = narrowed(line.offset, line.scale);
    ++counts.groups;
    counts.withoutVariance += own < kZeroDeviation;
  }
  parallelFor(n, 2, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t g = groups.at(i);
      out[i] = advantageOf(values[i], moments[g].first, lines[g], options.limit());
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

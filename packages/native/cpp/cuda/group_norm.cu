// Group normalisation of NHWC images with an optional SiLU behind it, forward and backward.
//
// x [B, H, W, C], G groups of C / G channels. Memory bound: forward reads x three times (twice from the cache where an image fits)
// and writes y; backward reads x and dy twice and writes dx. Statistics are double, in parts of a number that depends on sizes
// alone, added in order.
#include "../cpu/group_norm_problem.h"
#include "../formulas/activations.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

using Problem = GroupNormProblem;

// What a thread needs of the problem.
struct View {
  Floats x, weight, bias;
  const float* statistics;  // [B, 2, G]: mean, 1 / sqrt(variance + eps)
  int64_t pixels, channels, groups, perGroup;
  bool silu;

  View(const Problem& p, const float* statistics)
      : x(p.x), weight(p.weight), bias(p.bias), statistics(statistics), pixels(p.pixels), channels(p.channels),
        groups(p.groups), perGroup(p.perGroup), silu(p.silu) {}

  UC_HD int64_t groupOf(int64_t i) const { return i % channels / perGroup; }
  UC_HD int64_t sampleOf(int64_t i) const { return i / (pixels * channels); }
  UC_HD float inverse(int64_t i) const { return statistics[(sampleOf(i) * 2 + 1) * groups + groupOf(i)]; }
  UC_HD float normalised(int64_t i) const {
    return (x[i] - statistics[sampleOf(i) * 2 * groups + groupOf(i)]) * inverse(i);
  }
  // Gradient before the activation.
  UC_HD float beforeActivation(int64_t i, float h, float dy) const {
    const int64_t c = i % channels;
    return silu ? dy * siluSlope(h * weight[c] + bias[c]) : dy;
  }
};

// Sum over the elements of (sample, group) of f(element), by blocks over parts of its pixels; finish(sample, group, sum).
template <class F, class G>
void sumEachGroup(Context& context, const Problem& p, const F& f, const G& finish) {
  const int64_t items = p.batch * p.groups, parts = p.parts, groups = p.groups, perGroup = p.perGroup;
  const int64_t pixels = p.pixels, channels = p.channels;
  const DeviceScratch<double> memory(context, std::max<int64_t>(items * parts, 1));
  double* sums = memory.data();
  forEachBlock(context, items * parts, [=] __device__(int64_t item) {
    const int64_t part = item % parts, group = item / parts % groups, sample = item / (parts * groups);
    const int64_t first = pixels * part / parts, count = (pixels * (part + 1) / parts - first) * perGroup;
    double own = 0;
    for (int64_t i = threadIdx.x; i < count; i += kBlockThreads) {
      own += f((sample * pixels + first + i / perGroup) * channels + group * perGroup + i % perGroup);
    }
    own = blockSum(own);
    if (threadIdx.x == 0) sums[item] = own;
  });
  forEach(context, items, [=] __device__(int64_t item) {
    double total = 0;
    for (int64_t part = 0; part < parts; ++part) total += sums[item * parts + part];
    finish(item / groups, item % groups, total);
  });
}

// Mean first, then the squared distances from it.
void allStatistics(Context& context, const Problem& p, double eps, float* statistics) {
  const Floats x(p.x);
  const int64_t groups = p.groups, pixels = p.pixels, channels = p.channels, perGroup = p.perGroup;
  const double count = std::max<double>(static_cast<double>(p.pixels * p.perGroup), 1.0);
  sumEachGroup(
      context, p, [=] __device__(int64_t i) { return static_cast<double>(x[i]); },
      [=] __device__(int64_t sample, int64_t group, double sum) {
        statistics[sample * 2 * groups + group] = static_cast<float>(sum / count);
      });
  sumEachGroup(
      context, p,
      [=] __device__(int64_t i) {
        const int64_t sample = i / (pixels * channels), group = i % channels / perGroup;
        const double d = static_cast<double>(x[i]) - statistics[sample * 2 * groups + group];
        return d * d;
      },
      [=] __device__(int64_t sample, int64_t group, double sum) {
        statistics[(sample * 2 + 1) * groups + group] = static_cast<float>(1.0 / std::sqrt(sum / count + eps));
      });
}

// x, weight, bias, groups, silu; bf16, eps -> y, statistics [B, 2, G]
void forward(Context& context, Args& args, Results& results) {
  const Problem p = Problem::read(args);
  const Floats y(results.make(p.x.dims, args.flag() ? Phys::BF16 : p.x.phys));
  float* statistics = results.make({p.batch, 2, p.groups}, Phys::F32).f32();
  allStatistics(context, p, args.real(), statistics);
  const View v(p, statistics);
  forEach(context, p.x.count, [=] __device__(int64_t i) {
    const int64_t c = i % v.channels;
    const float z = v.normalised(i) * v.weight[c] + v.bias[c];
    y.put(i, v.silu ? silu(z) : z);
  });
}

// dWeight = sum dz h, dBias = sum dz over samples and pixels: threads own (part of the pixels of all samples, channel).
void parameterGradients(Context& context, const Problem& p, const View& v, const Floats& dy, float* dWeight, float* dBias) {
  const int64_t rows = p.batch * p.pixels, channels = p.channels, parts = std::clamp<int64_t>(rows / 64, 1, 128);
  const DeviceScratch<double> memory(context, std::max<int64_t>(parts * channels * 2, 1));
  double* sums = memory.data();
  forEach(context, parts * channels, [=] __device__(int64_t item) {
    const int64_t part = item / channels, c = item % channels;
    double gradient = 0, product = 0;
    for (int64_t row = rows * part / parts; row < rows * (part + 1) / parts; ++row) {
      const int64_t i = row * channels + c;
      const float h = v.normalised(i), dz = v.beforeActivation(i, h, dy[i]);
      gradient += dz;
      product += static_cast<double>(dz) * h;
    }
    sums[2 * item] = gradient;
    sums[2 * item + 1] = product;
  });
  forEach(context, channels, [=] __device__(int64_t c) {
    double gradient = 0, product = 0;
    for (int64_t part = 0; part < parts; ++part) {
      gradient += sums[2 * (part * channels + c)];
      product += sums[2 * (part * channels + c) + 1];
    }
    dBias[c] = static_cast<float>(gradient);
    dWeight[c] = static_cast<float>(product);
  });
}

// With g = dz w: dx = inverse (g - mean(g) - h mean(g h)), means over the group.
void inputGradient(Context& context, const Problem& p, const View& v, const Floats& dy, const Floats& dx) {
  const DeviceScratch<float> memory(context, std::max<int64_t>(p.batch * p.groups * 2, 1));
  float* means = memory.data();  // [B, G, 2]: of g and of g h
  const int64_t groups = p.groups;
  const double count = std::max<double>(static_cast<double>(p.pixels * p.perGroup), 1.0);
  for (int moment = 0; moment < 2; ++moment) {
    sumEachGroup(
        context, p,
        [=] __device__(int64_t i) {
          const float h = v.normalised(i);
          const double g = static_cast<double>(v.beforeActivation(i, h, dy[i])) * v.weight[i % v.channels];
          return moment == 0 ? g : g * h;
        },
        [=] __device__(int64_t sample, int64_t group, double sum) {
          means[(sample * groups + group) * 2 + moment] = static_cast<float>(sum / count);
        });
  }
  forEach(context, p.x.count, [=] __device__(int64_t i) {
    const float h = v.normalised(i);
    const float g = v.beforeActivation(i, h, dy[i]) * v.weight[i % v.channels];
    const float* mean = means + (v.sampleOf(i) * groups + v.groupOf(i)) * 2;
    dx.put(i, v.inverse(i) * (g - mean[0] - h * mean[1]));
  });
}

// x, weight, bias, groups, silu, statistics, dy -> dx, dWeight [C], dBias [C]
void backward(Context& context, Args& args, Results& results) {
  const Problem p = Problem::read(args);
  const Tensor statistics = args.floatTensor();
  const Tensor dy = args.floatTensor();
  if (dy.dims != p.x.dims || statistics.count != p.batch * 2 * p.groups || statistics.phys != Phys::F32) {
    fail("dy or the statistics do not fit x");
  }
  const Floats dx(results.make(p.x.dims, p.x.phys));
  float* dWeight = results.make({p.channels}, Phys::F32).f32();
  float* dBias = results.make({p.channels}, Phys::F32).f32();
  const View v(p, statistics.f32());
  parameterGradients(context, p, v, Floats(dy), dWeight, dBias);
  inputGradient(context, p, v, Floats(dy), dx);
}

}  // namespace

void registerCudaGroupNorm(Registry& r) {
  r.addCuda("GroupNorm", forward);
  r.addCuda("GroupNormGrad", backward);
}

}  // namespace uc

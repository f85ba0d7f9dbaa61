// Group normalisation of NHWC images with an optional SiLU behind it, forward and backward.
//
// x [B, H, W, C], G groups of C / G channels. Memory bound: forward reads x twice and writes y (12 bytes per f32 element),
// backward reads x and dy twice and writes dx (20 bytes). Each sample's pixels fall into fixed parts; statistics of a part
// are taken in two passes over cached data and parts are merged in order, so results do not depend on threads.
#include <cmath>
#include <vector>

#include "convert.h"
#include "fused.h"
#include "group_norm_problem.h"
#include "rows.h"
#include "vector_math.h"

namespace uc {

namespace {

using Problem = GroupNormProblem;

// Calls f(sample, part) for every part of every sample; f must not depend on the order.
template <class F>
void forEachPart(const Problem& p, int64_t cost, const F& f) {
  parallelFor(p.batch * p.parts, cost * p.pixels * p.channels / p.parts, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) f(item / p.parts, item % p.parts);
  });
}

struct Statistics {
  double count, mean, squares;  // squares: sum of squared distances from the mean
};

Statistics merge(const Statistics& a, const Statistics& b) {
  const double count = a.count + b.count;
  if (count == 0) return a;
  const double shift = b.mean - a.mean;
  return {count, a.mean + shift * b.count / count, a.squares + b.squares + shift * shift * a.count * b.count / count};
}

// Statistics of every group over one part.
void partStatistics(const Problem& p, int64_t sample, int64_t part, Statistics* out) {
  const int64_t begin = p.firstPixel(part), end = p.firstPixel(part + 1), n = p.channels;
  std::vector<float> buffer(n), sums(n, 0.0f), means(n);
  for (int64_t pixel = begin; pixel < end; ++pixel) {
    const float* x = readRow(p.x, p.at(sample, pixel), n, buffer.data());
    for (int64_t c = 0; c < n; ++c) sums[c] += x[c];
  }
  const double count = static_cast<double>((end - begin) * p.perGroup);
  for (int64_t g = 0; g < p.groups; ++g) {
    double total = 0.0;
    for (int64_t c = g * p.perGroup; c < (g + 1) * p.perGroup; ++c) total += sums[c];
    out[g] = {count, count == 0 ? 0.0 : total / count, 0.0};
    for (int64_t c = g * p.perGroup; c < (g + 1) * p.perGroup; ++c) means[c] = static_cast<float>(out[g].mean);
  }
  std::fill(sums.begin(), sums.end(), 0.0f);
  for (int64_t pixel = begin; pixel < end; ++pixel) {
    const float* x = readRow(p.x, p.at(sample, pixel), n, buffer.data());
    for (int64_t c = 0; c < n; ++c) sums[c] += (x[c] - means[c]) * (x[c] - means[c]);
  }
  for (int64_t c = 0; c < n; ++c) out[c / p.perGroup].squares += sums[c];
}

// Mean and 1/sqrt(variance + eps) of each sample and group: statistics [B, 2, G].
void allStatistics(Context& context, const Problem& p, double eps, float* statistics) {
  Scratch<Statistics> parts(context, std::max<int64_t>(p.batch * p.parts * p.groups, 1));
  forEachPart(p, 2, [&](int64_t sample, int64_t part) {
    partStatistics(p, sample, part, parts.data() + (sample * p.parts + part) * p.groups);
  });
  for (int64_t sample = 0; sample < p.batch; ++sample) {
    for (int64_t g = 0; g < p.groups; ++g) {
      Statistics all{0, 0, 0};
      for (int64_t part = 0; part < p.parts; ++part) all = merge(all, parts[(sample * p.parts + part) * p.groups + g]);
      statistics[(sample * 2) * p.groups + g] = static_cast<float>(all.mean);
      statistics[(sample * 2 + 1) * p.groups + g] =
          static_cast<float>(1.0 / std::sqrt(all.squares / std::max(all.count, 1.0) + eps));
    }
  }
}

// Mean and inverse deviation per channel of one sample.
struct Channels {
  std::vector<float> mean, inverse;
  Channels(const Problem& p, const float* statistics, int64_t sample) : mean(p.channels), inverse(p.channels) {
    for (int64_t c = 0; c < p.channels; ++c) {
      mean[c] = statistics[sample * 2 * p.groups + c / p.perGroup];
      inverse[c] = statistics[(sample * 2 + 1) * p.groups + c / p.perGroup];
    }
  }
};

void forward(const Problem& p, const float* statistics, const float* w, const float* b, const Tensor& y) {
  const int64_t n = p.channels;
  forEachPart(p, p.silu ? 8 : 2, [&](int64_t sample, int64_t part) {
    const Channels ch(p, statistics, sample);
    std::vector<float> bufferX(n), bufferY(n);
    for (int64_t pixel = p.firstPixel(part); pixel < p.firstPixel(part + 1); ++pixel) {
      const int64_t at = p.at(sample, pixel);
      const float* x = readRow(p.x, at, n, bufferX.data());
      float* out = rowTarget(y, at, bufferY.data());
      const float *mean = ch.mean.data(), *inverse = ch.inverse.data();
#pragma omp simd
      for (int64_t c = 0; c < n; ++c) out[c] = (x[c] - mean[c]) * inverse[c] * w[c] + b[c];
      if (p.silu) {
        for (int64_t c = 0; c < n; ++c) out[c] *= sigmoid(out[c]);
      }
      writeRow(y, at, n, out);
    }
  });
}

// Normalised values h and the gradient dz before the activation, for one pixel.
void pixelGradient(const Problem& p, const Channels& ch, const float* w, const float* b, const float* x, const float* dy,
                   float* h, float* dz) {
  const float *mean = ch.mean.data(), *inverse = ch.inverse.data();
#pragma omp simd
  for (int64_t c = 0; c < p.channels; ++c) h[c] = (x[c] - mean[c]) * inverse[c];
  if (!p.silu) {
    for (int64_t c = 0; c < p.channels; ++c) dz[c] = dy[c];
    return;
  }
#pragma omp simd
  for (int64_t c = 0; c < p.channels; ++c) {
    const float z = h[c] * w[c] + b[c];
    const float s = sigmoid(z);
    dz[c] = dy[c] * s * (1.0f + z * (1.0f - s));
  }
}

// With g = dz w: dx = inverse (g - mean(g) - h mean(g h)), means over the group; dw = sum dz h, db = sum dz.
void backward(Context& context, const Problem& p, const float* statistics, const Tensor& dy, const Tensor& dx,
              float* dWeight, float* dBias) {
  const int64_t n = p.channels;
  const Converted wideWeight(context, p.weight, Phys::F32);
  const Converted wideBias(context, p.bias, Phys::F32);
  const float *w = wideWeight.tensor().f32(), *b = wideBias.tensor().f32();
  // Per sample and part: sums over pixels of dz h and of dz, [2, C].
  Scratch<float> sums(context, std::max<int64_t>(p.batch * p.parts * 2 * n, 1));
  const auto visit = [&](int64_t sample, int64_t part, const auto& use) {
    const Channels ch(p, statistics, sample);
    std::vector<float> bufferX(n), bufferDy(n), h(n), dz(n);
    for (int64_t pixel = p.firstPixel(part); pixel < p.firstPixel(part + 1); ++pixel) {
      const int64_t at = p.at(sample, pixel);
      const float* x = readRow(p.x, at, n, bufferX.data());
      const float* d = readRow(dy, at, n, bufferDy.data());
      pixelGradient(p, ch, w, b, x, d, h.data(), dz.data());
      use(at, ch, h.data(), dz.data());
    }
  };
  forEachPart(p, 12, [&](int64_t sample, int64_t part) {
    float* own = sums.data() + (sample * p.parts + part) * 2 * n;
    std::memset(own, 0, static_cast<size_t>(2 * n) * sizeof(float));
    visit(sample, part, [&](int64_t, const Channels&, const float* h, const float* dz) {
#pragma omp simd
      for (int64_t c = 0; c < n; ++c) own[c] += dz[c] * h[c];
#pragma omp simd
      for (int64_t c = 0; c < n; ++c) own[n + c] += dz[c];
    });
  });
  std::vector<float> meanGh(p.batch * n), meanG(p.batch * n);
  std::fill(dWeight, dWeight + n, 0.0f);
  std::fill(dBias, dBias + n, 0.0f);
  const double scale = 1.0 / std::max<double>(static_cast<double>(p.pixels * p.perGroup), 1.0);
  for (int64_t sample = 0; sample < p.batch; ++sample) {
    std::vector<double> totals(2 * n, 0.0);
    for (int64_t part = 0; part < p.parts; ++part) {
      for (int64_t c = 0; c < 2 * n; ++c) totals[c] += sums[(sample * p.parts + part) * 2 * n + c];
    }
    for (int64_t g = 0; g < p.groups; ++g) {
      double gh = 0.0, plain = 0.0;
      for (int64_t c = g * p.perGroup; c < (g + 1) * p.perGroup; ++c) {
        gh += totals[c] * w[c];
        plain += totals[n + c] * w[c];
      }
      for (int64_t c = g * p.perGroup; c < (g + 1) * p.perGroup; ++c) {
        meanGh[sample * n + c] = static_cast<float>(gh * scale);
        meanG[sample * n + c] = static_cast<float>(plain * scale);
      }
    }
    for (int64_t c = 0; c < n; ++c) dWeight[c] += static_cast<float>(totals[c]);
    for (int64_t c = 0; c < n; ++c) dBias[c] += static_cast<float>(totals[n + c]);
  }
  forEachPart(p, 12, [&](int64_t sample, int64_t part) {
    std::vector<float> bufferDx(n);
    const float *gh = meanGh.data() + sample * n, *plain = meanG.data() + sample * n;
    visit(sample, part, [&](int64_t at, const Channels& ch, const float* h, const float* dz) {
      float* out = rowTarget(dx, at, bufferDx.data());
      const float* inverse = ch.inverse.data();
#pragma omp simd
      for (int64_t c = 0; c < n; ++c) out[c] = inverse[c] * (dz[c] * w[c] - plain[c] - h[c] * gh[c]);
      writeRow(dx, at, n, out);
    });
  });
}

}  // namespace

void registerGroupNorm(Registry& registry) {
  // x, weight, bias, groups, silu; bf16, eps -> y, statistics [B, 2, G]
  registry.add("GroupNorm", [](Context& context, Args& args, Results& results) {
    const Problem p = Problem::read(args);
    const Tensor y = results.make(p.x.dims, args.flag() ? Phys::BF16 : p.x.phys);
    const Tensor statistics = results.make({p.batch, 2, p.groups}, Phys::F32);
    const Converted weight(context, p.weight, Phys::F32);
    const Converted bias(context, p.bias, Phys::F32);
    allStatistics(context, p, args.real(), statistics.f32());
    forward(p, statistics.f32(), weight.tensor().f32(), bias.tensor().f32(), y);
  });

  // x, weight, bias, groups, silu, statistics, dy -> dx, dWeight [C], dBias [C]
  registry.add("GroupNormGrad", [](Context& context, Args& args, Results& results) {
    const Problem p = Problem::read(args);
    const Tensor statistics = args.floatTensor();
    const Tensor dy = args.floatTensor();
    if (dy.dims != p.x.dims || statistics.count != p.batch * 2 * p.groups) fail("dy or the statistics do not fit x");
    const Tensor dx = results.make(p.x.dims, p.x.phys);
    const Tensor dWeight = results.make({p.channels}, Phys::F32);
    const Tensor dBias = results.make({p.channels}, Phys::F32);
    backward(context, p, statistics.f32(), dy, dx, dWeight.f32(), dBias.f32());
  });
}

}  // namespace uc

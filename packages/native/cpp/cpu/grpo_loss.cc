// The clipped policy loss of GRPO per sample, and the KL divergence of two Gaussians of one variance per sample.
//
// GrpoLoss is memory bound: 12 bytes read and 4 written per sample. Its gradient recomputes the ratio.
#include <atomic>
#include <cmath>

#include "../formulas/grpo_clipping.h"
#include "convert.h"
#include "fused.h"
#include "row_sums.h"
#include "streaming.h"

namespace uc {

namespace {

// The three vectors of a sample as f32.
struct Samples {
  Samples(Context& context, const Tensor& now, const Tensor& old, const Tensor& advantage)
      : now_(context, now, Phys::F32), old_(context, old, Phys::F32), advantage_(context, advantage, Phys::F32) {
    if (old.count != now.count || advantage.count != now.count) fail("three vectors of one length are needed");
  }
  // exp(now - old), by a pair of loads as eachVector() gives them.
  template <class Load>
  Lanes ratio(const Load& load) const {
    return expLanes(load(now_.tensor().f32()) - load(old_.tensor().f32()));
  }
  const float* advantage() const { return advantage_.tensor().f32(); }

 private:
  Converted now_, old_, advantage_;
};

// How many ratios lie outside of the range.
struct Outside {
  int64_t above, below;
};

Outside writeLosses(const Samples& samples, const Clipping& clipping, const Tensor& losses) {
  std::atomic<int64_t> above{0}, below{0};
  withOutput(losses, kLanes, [&](auto loss) {
    parallelFor(losses.count, 8, [&](int64_t begin, int64_t end) {
      IntLanes higher = {}, lower = {};
      // Behind the end the ratio is 1, which is never outside.
      eachVector(begin, end, [&](int64_t, const auto& load, const auto& store) {
        const Lanes a = clipping.limited(load(samples.advantage())), ratio = samples.ratio(load);
        const Lanes free = -a * ratio, bound = -a * clipping.clipped(ratio);
        store(loss, (free > bound) | (free != free) ? free : bound);
        higher -= ratio - 1.0f > clipping.high;  // a comparison gives -1
        lower -= 1.0f - ratio > clipping.low;
      });
      int64_t high = 0, low = 0;
      for (int i = 0; i < kLanes; ++i) {
        high += higher[i];
        low += lower[i];
      }
      above += high;
      below += low;
    }, kLanes);
  });
  return {above, below};
}

struct Pair {
  Tensor mean, reference;
  std::vector<double> weights;
};

// mean, reference [B, n]; one weight per row
Pair readPair(Args& args) {
  Pair p;
  p.mean = args.floatTensor();
  p.reference = args.floatTensor();
  if (p.mean.dims.rank() != 2 || p.reference.dims != p.mean.dims) fail("two tensors [B, n] of one shape are needed");
  p.weights.resize(static_cast<size_t>(p.mean.dims[0]));
  return p;
}

}  // namespace

void registerGrpoLoss(Registry& registry) {
  // logProb, oldLogProb, advantage [N]; clipLow, clipHigh, advantageClip (0: none)
  //   -> loss [N], share of samples with a ratio above the range, share below
  registry.add("GrpoLoss", [](Context& context, Args& args, Results& results) {
    const Tensor now = args.floatTensor();
    const Tensor old = args.floatTensor();
    const Tensor advantage = args.floatTensor();
    const Clipping clipping = Clipping::read(args);
    const Samples samples(context, now, old, advantage);
    const int64_t n = now.count;
    const Tensor losses = results.make({n}, Phys::F32);
    float* aboveShare = results.make({}, Phys::F32).f32();
    float* belowShare = results.make({}, Phys::F32).f32();
    const Outside outside = writeLosses(samples, clipping, losses);
    *aboveShare = n == 0 ? 0.0f : static_cast<float>(static_cast<double>(outside.above) / n);
    *belowShare = n == 0 ? 0.0f : static_cast<float>(static_cast<double>(outside.below) / n);
  });

  // dLoss, logProb, oldLogProb, advantage [N]; clipLow, clipHigh, advantageClip -> dLogProb [N]
  registry.add("GrpoLossGrad", [](Context& context, Args& args, Results& results) {
    const Tensor dLoss = args.floatTensor();
    const Tensor now = args.floatTensor();
    const Tensor old = args.floatTensor();
    const Tensor advantage = args.floatTensor();
    const Clipping clipping = Clipping::read(args);
    const Samples samples(context, now, old, advantage);
    if (dLoss.count != now.count) fail("one upstream gradient per sample is needed");
    const Converted upstream(context, dLoss, Phys::F32);
    const float* d = upstream.tensor().f32();
    withOutput(results.make({now.count}, Phys::F32), kLanes, [&](auto out) {
      parallelFor(now.count, 8, [&](int64_t begin, int64_t end) {
        eachVector(begin, end, [&](int64_t, const auto& load, const auto& store) {
          const Lanes a = clipping.limited(load(samples.advantage())), ratio = samples.ratio(load);
          const Lanes free = -a * ratio, bound = -a * clipping.clipped(ratio);
          store(out, free < bound ? Lanes{} : load(d) * free);
        });
      }, kLanes);
    });
  });

  // mean, reference [B, n]; weights [B] -> weight * mean((mean - reference)^2), [B]
  registry.add("GaussianKl", [](Context& context, Args& args, Results& results) {
    Pair p = readPair(args);
    for (double& weight : p.weights) weight = args.real();
    const Converted mean(context, p.mean, Phys::F32), reference(context, p.reference, Phys::F32);
    const int64_t rows = p.mean.dims[0], n = p.mean.dims[1];
    float* out = results.make({rows}, Phys::F32).f32();
    const float* a = mean.tensor().f32();
    const float* b = reference.tensor().f32();
    sumEachRow(context, rows, n, 1, [&](int64_t row, int64_t begin, int64_t end) {
      double sum = 0.0;
#pragma omp simd reduction(+ : sum)
      for (int64_t i = row * n + begin; i < row * n + end; ++i) {
        const double d = a[i] - b[i];
        sum += d * d;
      }
      return sum;
    }, [&](int64_t row, double sum) {
      out[row] = n == 0 ? 0.0f : static_cast<float>(p.weights[row] * sum / static_cast<double>(n));
    });
  });

  // mean, reference [B, n], dKl [B]; weights [B] -> dMean [B, n]
  registry.add("GaussianKlGrad", [](Context& context, Args& args, Results& results) {
    Pair p = readPair(args);
    const Tensor dKl = args.floatTensor();
    for (double& weight : p.weights) weight = args.real();
    const int64_t rows = p.mean.dims[0], n = p.mean.dims[1];
    if (dKl.count != rows) fail("one upstream gradient per sample is needed");
    const Converted mean(context, p.mean, Phys::F32), reference(context, p.reference, Phys::F32);
    const Converted upstream(context, dKl, Phys::F32);
    float* out = results.make(p.mean.dims, Phys::F32).f32();
    for (int64_t row = 0; row < rows; ++row) {
      const float factor = static_cast<float>(2.0 * p.weights[row] / n * upstream.tensor().f32()[row]);
      const float* a = mean.tensor().f32() + row * n;
      const float* b = reference.tensor().f32() + row * n;
      float* d = out + row * n;
      parallelFor(n, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) d[i] = factor * (a[i] - b[i]);
      });
    }
  });
}

}  // namespace uc

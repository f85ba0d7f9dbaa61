// RMSNorm, RMSNorm of a sum, and LayerNorm over the last dimension, forward and backward.
//
// x [rows, D], weight [D], bias [D]. Memory bound: forward reads x and writes y (8 bytes per f32 element), with a residual it
// reads two and writes two, backward reads x and dy and writes dx (12 bytes). Statistics are f32, recomputed in the backward
// pass while the row is in cache. About 15 flops per element.
#include <array>
#include <cmath>
#include <type_traits>

#include "column_sums.h"
#include "convert.h"
#include "fused.h"
#include "streaming.h"

namespace uc {

namespace {

// 1 / sqrt(variance + eps), or of the mean square, and the mean (0 for RMSNorm).
struct Moments {
  float mean, inverse;
};

// Means of Count kinds of terms over a row: f(load, count) gives a vector of each; lanes from `count` on must give 0. Four
// sums of each kind hide the latency of the additions.
template <size_t Count, class F>
std::array<float, Count> meansOf(int64_t n, const F& f) {
  Lanes sum[4][Count] = {};
  const auto add = [&](int turn, const std::array<Lanes, Count>& terms) {
    for (size_t c = 0; c < Count; ++c) sum[turn][c] += terms[c];
  };
  const auto whole = [](int64_t at) { return [at](const auto* p) { return loadLanes(p + at); }; };
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int u = 0; u < 4; ++u) add(u, f(whole(i + u * kLanes), kLanes));
  }
  for (; i + kLanes <= n; i += kLanes) add(0, f(whole(i), kLanes));
  if (i < n) add(1, f([i, n](const auto* p) { return loadPart(p + i, n - i); }, n - i));
  std::array<float, Count> means;
  const float scale = 1.0f / static_cast<float>(n);
  for (size_t c = 0; c < Count; ++c) means[c] = scale * sumLanes((sum[0][c] + sum[1][c]) + (sum[2][c] + sum[3][c]));
  return means;
}

template <bool Centre, class X>
float meanOf(const X* x, int64_t n) {
  return Centre ? meansOf<1>(n, [x](const auto& load, int64_t) { return std::array{load(x)}; })[0] : 0.0f;
}

// The distances from the mean, 0 from `count` on.
template <bool Centre>
Lanes centred(Lanes x, float mean, int64_t count) {
  if (!Centre) return x;
  x -= mean;
  for (int64_t i = count; i < kLanes; ++i) x[i] = 0.0f;
  return x;
}

template <bool Centre, class X>
Moments moments(const X* x, int64_t n, float eps) {
  const float mean = meanOf<Centre>(x, n);
  const auto [square] = meansOf<1>(n, [&](const auto& load, int64_t count) {
    const Lanes d = centred<Centre>(load(x), mean, count);
    return std::array{d * d};
  });
  return {mean, 1.0f / std::sqrt(square + eps)};
}

struct Operands {
  Tensor x, weight, bias;
  int64_t rows, size;
};

Operands readOperands(Args& args, bool centre) {
  Operands o;
  o.x = args.floatTensor();
  o.weight = args.floatTensor();
  if (centre) o.bias = args.floatTensor();
  o.size = o.x.dims.last();
  o.rows = o.size == 0 ? 0 : o.x.count / o.size;
  if (o.weight.count != o.size || (centre && o.bias.count != o.size)) fail("weight and bias do not fit the last dimension");
  return o;
}

template <bool Centre, class X, class Y>
void normRow(const X* x, const float* w, const float* b, int64_t n, float eps, Y y) {
  const Moments m = moments<Centre>(x, n, eps);
  eachVector(0, n, [&](int64_t i, const auto& load, const auto& store) {
    prefetch(x + n + i);
    const Lanes h = (load(x) - m.mean) * m.inverse;
    store(y, Centre ? h * load(w) + load(b) : h * load(w));
  });
}

template <bool Centre>
void forward(Context& context, const Operands& o, float eps, const Tensor& y) {
  const Converted weight(context, o.weight, Phys::F32), bias(context, Centre ? o.bias : o.weight, Phys::F32);
  const float *w = weight.tensor().f32(), *b = bias.tensor().f32();
  withFloats(o.x.phys, [&](auto* xType) {
    withOutput(y, o.size, [&](auto out) {
      using X = std::remove_pointer_t<decltype(xType)>;
      parallelFor(o.rows, 4 * o.size, [&](int64_t begin, int64_t end) {
        for (int64_t at = begin * o.size; at < end * o.size; at += o.size) {
          normRow<Centre>(o.x.as<X>() + at, w, b, o.size, eps, out + at);
        }
      });
    });
  });
}

// sum = x + residual, y = RMSNorm(sum): the row is normalised as it was stored.
void forwardResidual(Context& context, const Operands& o, const Tensor& residual, float eps, const Tensor& sum,
                     const Tensor& y) {
  const Converted weight(context, o.weight, Phys::F32);
  const float* w = weight.tensor().f32();
  withFloats(o.x.phys, [&](auto* xType) {
    withFloats(residual.phys, [&](auto* rType) {
      withFloats(sum.phys, [&](auto* sType) {
        withOutput(y, o.size, [&](auto out) {
          const auto of = [](auto* type, const Tensor& t, int64_t at) { return t.as<std::remove_pointer_t<decltype(type)>>() + at; };
          parallelFor(o.rows, 5 * o.size, [&](int64_t begin, int64_t end) {
            for (int64_t at = begin * o.size; at < end * o.size; at += o.size) {
              const auto *x = of(xType, o.x, at), *r = of(rType, residual, at);
              auto* s = of(sType, sum, at);
              eachVector(0, o.size, [&](int64_t, const auto& load, const auto& store) { store(s, load(x) + load(r)); });
              normRow<false>(s, w, w, o.size, eps, out + at);
            }
          });
        });
      });
    });
  });
}

// With h = (x - mean) r and g = dy w:  dx = r (g - mean(g) - h mean(g h)), without mean(g) for RMSNorm, plus `extra` where
// there is one; dw = sum over rows of dy h, db = sum over rows of dy. `sums` holds dw, then db.
template <bool Centre, class X, class D, class E, class Dx>
void rowGradient(const X* x, const float* w, const D* dy, const E* extra, int64_t n, float eps, Dx dx, float* sums) {
  const float mean = meanOf<Centre>(x, n);
  const auto means = meansOf<Centre ? 3 : 2>(n, [&](const auto& load, int64_t count) {
    const Lanes d = centred<Centre>(load(x), mean, count), g = load(dy) * load(w);
    if constexpr (Centre) {
      return std::array{d * d, g * d, g};
    } else {
      return std::array{d * d, g * d};
    }
  });
  const Moments m = {mean, 1.0f / std::sqrt(means[0] + eps)};
  const float meanGh = means[1] * m.inverse, meanG = Centre ? means[means.size() - 1] : 0.0f;
  float* biasSums = sums + n;
  eachVector(0, n, [&](int64_t i, const auto& load, const auto& store) {
    prefetch(x + n + i);
    prefetch(dy + n + i);
    const Lanes h = (load(x) - m.mean) * m.inverse, d = load(dy);
    Lanes change = (d * load(w) - meanG - h * meanGh) * m.inverse;
    if (extra != nullptr) change += load(extra);
    store(dx, change);
    store(sums, load(sums) + d * h);
    if (Centre) store(biasSums, load(biasSums) + d);
  });
}

template <bool Centre>
void backward(Context& context, const Operands& o, const Tensor& dy, const Tensor& extra, float eps, const Tensor& dx,
              float* parameterGrads) {
  const Converted weight(context, o.weight, Phys::F32);
  const float* w = weight.tensor().f32();
  const int64_t n = o.size;
  withFloats(o.x.phys, [&](auto* xType) {
    withFloats(dy.phys, [&](auto* dType) {
      withFloats(extra.phys, [&](auto* eType) {
        using X = std::remove_pointer_t<decltype(xType)>;
        using D = std::remove_pointer_t<decltype(dType)>;
        using E = std::remove_pointer_t<decltype(eType)>;
        withOutput(dx, n, [&](auto out) {
          sumOverRows(context, o.rows, Centre ? 2 * n : n, 10 * n, parameterGrads,
                      [&](int64_t begin, int64_t end, float* sums) {
            for (int64_t at = begin * n; at < end * n; at += n) {
              const E* more = extra.data == nullptr ? nullptr : extra.as<E>() + at;
              rowGradient<Centre>(o.x.as<X>() + at, w, dy.as<D>() + at, more, n, eps, out + at, sums);
            }
          });
        });
      });
    });
  });
}

void addRmsNorm(Registry& registry) {
  // x, weight; bf16 output, eps -> y
  registry.add("RmsNorm", [](Context& context, Args& args, Results& results) {
    const Operands o = readOperands(args, false);
    const Phys phys = args.flag() ? Phys::BF16 : o.x.phys;
    const float eps = static_cast<float>(args.real());
    forward<false>(context, o, eps, results.make(o.x.dims, phys));
  });

  // x, weight, dy, (dSum); eps -> dx, dWeight [D]. dSum is what reaches x beside the norm.
  registry.add("RmsNormGrad", [](Context& context, Args& args, Results& results) {
    const Operands o = readOperands(args, false);
    const Tensor dy = args.floatTensor(), extra = args.optionalTensor();
    const float eps = static_cast<float>(args.real());
    const bool fits = dy.dims == o.x.dims && (extra.data == nullptr || (extra.dims == o.x.dims && isFloat(extra.phys)));
    if (!fits) fail("x, dy and dSum of one shape are needed");
    const Tensor dx = results.make(o.x.dims, o.x.phys);
    const Tensor dWeight = results.make({o.size}, Phys::F32);
    backward<false>(context, o, dy, extra, eps, dx, dWeight.f32());
  });

  // x, weight, residual; bf16 output, eps -> y, sum = x + residual
  registry.add("RmsNormResidual", [](Context& context, Args& args, Results& results) {
    const Operands o = readOperands(args, false);
    const Tensor residual = args.floatTensor();
    const Phys sumPhys = promote(o.x.phys, residual.phys), phys = args.flag() ? Phys::BF16 : sumPhys;
    const float eps = static_cast<float>(args.real());
    if (residual.dims != o.x.dims) fail("x and residual differ in shape");
    const Tensor y = results.make(o.x.dims, phys), sum = results.make(o.x.dims, sumPhys);
    forwardResidual(context, o, residual, eps, sum, y);
  });
}

void addLayerNorm(Registry& registry) {
  // x, weight, bias; bf16 output, eps -> y
  registry.add("LayerNorm", [](Context& context, Args& args, Results& results) {
    const Operands o = readOperands(args, true);
    const Phys phys = args.flag() ? Phys::BF16 : o.x.phys;
    const float eps = static_cast<float>(args.real());
    forward<true>(context, o, eps, results.make(o.x.dims, phys));
  });

  // x, weight, bias, dy; eps -> dx, dWeight [D], dBias [D]
  registry.add("LayerNormGrad", [](Context& context, Args& args, Results& results) {
    const Operands o = readOperands(args, true);
    const Tensor dy = args.floatTensor();
    const float eps = static_cast<float>(args.real());
    if (dy.dims != o.x.dims) fail("x and dy differ in shape");
    const Tensor dx = results.make(o.x.dims, o.x.phys);
    const Tensor dWeight = results.make({o.size}, Phys::F32), dBias = results.make({o.size}, Phys::F32);
    Scratch<float> both(context, std::max<int64_t>(2 * o.size, 1));
    backward<true>(context, o, dy, Tensor{}, eps, dx, both.data());
    std::memcpy(dWeight.data, both.data(), static_cast<size_t>(o.size) * sizeof(float));
    std::memcpy(dBias.data, both.data() + o.size, static_cast<size_t>(o.size) * sizeof(float));
  });
}

}  // namespace

void registerNorm(Registry& registry) {
  addRmsNorm(registry);
  addLayerNorm(registry);
}

}  // namespace uc

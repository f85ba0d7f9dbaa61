// RMSNorm and LayerNorm over the last dimension, forward and backward.
//
// x [rows, D], weight [D], bias [D]. Memory bound: forward reads x and writes y (8 bytes per f32 element), backward reads
// x and dy and writes dx (12 bytes). Statistics are f32, recomputed in the backward pass while the row is in cache.
#include <cmath>
#include <vector>

#include "column_sums.h"
#include "convert.h"
#include "fused.h"
#include "rows.h"

namespace uc {

namespace {

float sumOf(const float* x, int64_t n) {
  float s = 0.0f;
#pragma omp simd reduction(+ : s)
  for (int64_t i = 0; i < n; ++i) s += x[i];
  return s;
}

struct Moments {
  float mean;
  float inverse;  // 1 / sqrt(variance + eps), or 1 / sqrt(mean square + eps)
};

Moments moments(const float* x, int64_t n, float eps, bool centre) {
  const float mean = centre ? sumOf(x, n) / static_cast<float>(n) : 0.0f;
  float s = 0.0f;
#pragma omp simd reduction(+ : s)
  for (int64_t i = 0; i < n; ++i) s += (x[i] - mean) * (x[i] - mean);
  return {mean, 1.0f / std::sqrt(s / static_cast<float>(n) + eps)};
}

struct Operands {
  Tensor x, weight, bias;
  int64_t rows, size;
  bool centre;
};

Operands readOperands(Args& args, bool centre) {
  Operands o;
  o.centre = centre;
  o.x = args.floatTensor();
  o.weight = args.floatTensor();
  if (centre) o.bias = args.floatTensor();
  o.size = o.x.dims.last();
  o.rows = o.size == 0 ? 0 : o.x.count / o.size;
  if (o.weight.count != o.size || (centre && o.bias.count != o.size)) fail("weight and bias do not fit the last dimension");
  return o;
}

void forward(Context& context, const Operands& o, float eps, const Tensor& y) {
  const Converted weight(context, o.weight, Phys::F32);
  const Converted bias(context, o.centre ? o.bias : o.weight, Phys::F32);
  const float* w = weight.tensor().f32();
  const float* b = bias.tensor().f32();
  const int64_t n = o.size;
  parallelFor(o.rows, 4 * n, [&](int64_t begin, int64_t end) {
    std::vector<float> bufferX(n), bufferY(n);
    for (int64_t row = begin; row < end; ++row) {
      const float* x = readRow(o.x, row * n, n, bufferX.data());
      float* out = rowTarget(y, row * n, bufferY.data());
      const Moments m = moments(x, n, eps, o.centre);
      if (o.centre) {
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) out[i] = (x[i] - m.mean) * m.inverse * w[i] + b[i];
      } else {
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) out[i] = x[i] * m.inverse * w[i];
      }
      writeRow(y, row * n, n, out);
    }
  });
}

// With h = (x - mean) r and g = dy w:  dx = r (g - mean(g) - h mean(g h)), without mean(g) for RMSNorm;
// dw = sum over rows of dy h, db = sum over rows of dy.
void backward(Context& context, const Operands& o, const Tensor& dy, float eps, const Tensor& dx, float* parameterGrads) {
  const Converted weight(context, o.weight, Phys::F32);
  const float* w = weight.tensor().f32();
  const int64_t n = o.size;
  const float scale = 1.0f / static_cast<float>(n);
  sumOverRows(context, o.rows, o.centre ? 2 * n : n, 10 * n, parameterGrads, [&](int64_t begin, int64_t end, float* sums) {
    std::vector<float> bufferX(n), bufferDy(n), bufferDx(n);
    for (int64_t row = begin; row < end; ++row) {
      const float* x = readRow(o.x, row * n, n, bufferX.data());
      const float* d = readRow(dy, row * n, n, bufferDy.data());
      float* out = rowTarget(dx, row * n, bufferDx.data());
      const Moments m = moments(x, n, eps, o.centre);
      float meanG = 0.0f, meanGh = 0.0f;
#pragma omp simd reduction(+ : meanG, meanGh)
      for (int64_t i = 0; i < n; ++i) {
        const float g = d[i] * w[i];
        meanG += g;
        meanGh += g * (x[i] - m.mean) * m.inverse;
      }
      meanG = o.centre ? meanG * scale : 0.0f;
      meanGh *= scale;
#pragma omp simd
      for (int64_t i = 0; i < n; ++i) {
        const float h = (x[i] - m.mean) * m.inverse;
        out[i] = m.inverse * (d[i] * w[i] - meanG - h * meanGh);
        sums[i] += d[i] * h;
      }
      if (o.centre) {
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) sums[n + i] += d[i];
      }
      writeRow(dx, row * n, n, out);
    }
  });
}

void addNorm(Registry& registry, const char* name, const char* gradName, bool centre) {
  // x, weight, (bias); bf16 output, eps -> y
  registry.add(name, [centre](Context& context, Args& args, Results& results) {
    const Operands o = readOperands(args, centre);
    const Phys phys = args.flag() ? Phys::BF16 : o.x.phys;
    const float eps = static_cast<float>(args.real());
    forward(context, o, eps, results.make(o.x.dims, phys));
  });

  // x, weight, (bias), dy; eps -> dx, dWeight (and dBias): [D] or [2, D]
  registry.add(gradName, [centre](Context& context, Args& args, Results& results) {
    const Operands o = readOperands(args, centre);
    const Tensor dy = args.floatTensor();
    const float eps = static_cast<float>(args.real());
    if (dy.dims != o.x.dims) fail("x and dy differ in shape");
    const Tensor dx = results.make(o.x.dims, o.x.phys);
    const Tensor dWeight = results.make({o.size}, Phys::F32);
    if (!centre) return backward(context, o, dy, eps, dx, dWeight.f32());
    const Tensor dBias = results.make({o.size}, Phys::F32);
    Scratch<float> both(context, std::max<int64_t>(2 * o.size, 1));
    backward(context, o, dy, eps, dx, both.data());
    std::memcpy(dWeight.data, both.data(), static_cast<size_t>(o.size) * sizeof(float));
    std::memcpy(dBias.data, both.data() + o.size, static_cast<size_t>(o.size) * sizeof(float));
  });
}

}  // namespace

void registerNorm(Registry& registry) {
  addNorm(registry, "RmsNorm", "RmsNormGrad", false);
  addNorm(registry, "LayerNorm", "LayerNormGrad", true);
}

}  // namespace uc

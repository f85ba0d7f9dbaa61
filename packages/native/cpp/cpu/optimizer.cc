// What happens to whole parameter lists: global norm, AdamW, exponential moving average, gradient accumulation.
//
// Memory bound. AdamW reads parameter, gradient and two moments and writes three of them: 28 bytes per element.
// All sums run in a fixed order, so results do not depend on the number of threads.
#include <cmath>
#include <vector>

#include "convert.h"
#include "fused.h"
#include "rows.h"

namespace uc {

namespace {

constexpr int64_t kBlock = 16384;

double blockSquares(const Tensor& t, int64_t begin, int64_t end) {
  float buffer[256];
  double total = 0.0;
  for (int64_t at = begin; at < end; at += 256) {
    const int64_t n = std::min<int64_t>(256, end - at);
    const float* x = readRow(t, at, n, buffer);
    double s = 0.0;
#pragma omp simd reduction(+ : s)
    for (int64_t i = 0; i < n; ++i) s += static_cast<double>(x[i]) * x[i];
    total += s;
  }
  return total;
}

// Sum of squares over all tensors, by blocks of fixed size added in order.
double sumOfSquares(const std::vector<Tensor>& tensors) {
  struct Part {
    const Tensor* tensor;
    int64_t begin;
    double sum;
  };
  std::vector<Part> parts;
  for (const Tensor& t : tensors) {
    for (int64_t at = 0; at < t.count; at += kBlock) parts.push_back({&t, at, 0.0});
  }
  parallelFor(static_cast<int64_t>(parts.size()), kBlock, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Part& part = parts[i];
      part.sum = blockSquares(*part.tensor, part.begin, std::min(part.begin + kBlock, part.tensor->count));
    }
  });
  double total = 0.0;
  for (const Part& part : parts) total += part.sum;
  return total;
}

struct AdamW {
  float lr, beta1, beta2, eps, correction1, correction2, decay, factor;

  void update(float* w, const float* gradient, float* first, float* second, int64_t n) const {
    const float rest1 = 1.0f - beta1, rest2 = 1.0f - beta2, keep = 1.0f - lr * decay;
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
      const float g = gradient[i] * factor;
      const float m = beta1 * first[i] + rest1 * g;
      const float v = beta2 * second[i] + rest2 * g * g;
      first[i] = m;
      second[i] = v;
      w[i] = keep * w[i] - lr * (m * correction1) / (std::sqrt(v) * correction2 + eps);
    }
  }
};

float* masterValues(const Tensor& t, const char* what) {
  if (t.phys != Phys::F32) fail(std::string(what) + " must be stored as f32, found " + nameOf(t.phys));
  return t.f32();
}

struct Parameter {
  Tensor variable, gradient, first, second;
  float decay;
};

// Many tensors as one list of blocks, so that small ones share the threads too.
void adamw(Context& context, std::vector<Parameter>& parameters, const AdamW& settings) {
  struct Part {
    const Parameter* parameter;
    int64_t begin;
  };
  std::vector<Part> parts;
  for (const Parameter& p : parameters) {
    for (int64_t at = 0; at < p.variable.count; at += kBlock) parts.push_back({&p, at});
  }
  Scratch<float> widened(context, kBlock * omp_get_max_threads());
  parallelFor(static_cast<int64_t>(parts.size()), kBlock * 4, [&](int64_t begin, int64_t end) {
    float* buffer = widened.data() + kBlock * omp_get_thread_num();
    for (int64_t i = begin; i < end; ++i) {
      const Parameter& p = *parts[i].parameter;
      const int64_t at = parts[i].begin;
      const int64_t n = std::min(kBlock, p.variable.count - at);
      const float* gradient = buffer;
      if (p.gradient.phys == Phys::F32) {
        gradient = p.gradient.f32() + at;
      } else {
        widen(p.gradient.b16() + at, buffer, n);
      }
      AdamW own = settings;
      own.decay = p.decay;
      own.update(p.variable.f32() + at, gradient, p.first.f32() + at, p.second.f32() + at, n);
    }
  });
}

}  // namespace

void registerOptimizer(Registry& registry) {
  // count, tensors... -> scalar
  registry.add("GlobalNorm", [](Context&, Args& args, Results& results) {
    std::vector<Tensor> tensors(static_cast<size_t>(args.integer()));
    for (Tensor& t : tensors) t = args.floatTensor();
    *results.make({}, Phys::F32).f32() = static_cast<float>(std::sqrt(sumOfSquares(tensors)));
  });

  // norm, count, (variable, gradient, first, second) each; lr, beta1, beta2, eps, correction1, correction2, clipNorm,
  // then one decay per variable. Changes variable, first and second.
  registry.add("AdamW", [](Context& context, Args& args, Results&) {
    const Tensor norm = args.floatTensor();
    std::vector<Parameter> parameters(static_cast<size_t>(args.integer()));
    for (Parameter& p : parameters) {
      p.variable = args.floatTensor();
      p.gradient = args.floatTensor();
      p.first = args.floatTensor();
      p.second = args.floatTensor();
      masterValues(p.variable, "the variable");
      masterValues(p.first, "the first moment");
      masterValues(p.second, "the second moment");
      const int64_t n = p.variable.count;
      if (p.gradient.count != n || p.first.count != n || p.second.count != n) fail("a gradient or moment has another size");
    }
    AdamW settings{};
    for (float* value : {&settings.lr, &settings.beta1, &settings.beta2, &settings.eps, &settings.correction1,
                         &settings.correction2}) {
      *value = static_cast<float>(args.real());
    }
    const double clip = args.real();
    for (Parameter& p : parameters) p.decay = static_cast<float>(args.real());
    const double length = masterValues(norm, "the norm")[0];
    settings.factor = clip > 0 ? static_cast<float>(std::min(1.0, clip / (length + 1e-6))) : 1.0f;
    adamw(context, parameters, settings);
  });

  // average, value; decay. Changes the average.
  registry.add("EmaUpdate", [](Context& context, Args& args, Results&) {
    const Tensor average = args.floatTensor();
    const Tensor value = args.floatTensor();
    const float decay = static_cast<float>(args.real());
    if (average.count != value.count) fail("average and value differ in size");
    const Converted wide(context, value, Phys::F32);
    float* a = masterValues(average, "the average");
    const float* v = wide.tensor().f32();
    const float rest = 1.0f - decay;
    parallelFor(average.count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) a[i] = decay * a[i] + rest * v[i];
    });
  });

  // sum, addend: sum += addend, in the type of the sum
  registry.add("AddInPlace", [](Context&, Args& args, Results&) {
    const Tensor sum = args.floatTensor();
    const Tensor addend = args.floatTensor();
    if (sum.count != addend.count) fail("sum and addend differ in size");
    parallelFor(sum.count, 1, [&](int64_t begin, int64_t end) {
      constexpr int64_t kRow = 1024;
      float bufferSum[kRow], bufferAddend[kRow];
      for (int64_t at = begin; at < end; at += kRow) {
        const int64_t n = std::min(kRow, end - at);
        const float* s = readRow(sum, at, n, bufferSum);
        const float* a = readRow(addend, at, n, bufferAddend);
        float* out = rowTarget(sum, at, bufferSum);
        for (int64_t i = 0; i < n; ++i) out[i] = s[i] + a[i];
        writeRow(sum, at, n, out);
      }
    });
  });
}

}  // namespace uc

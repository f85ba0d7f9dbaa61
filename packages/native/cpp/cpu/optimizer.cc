// What happens to whole parameter lists: global norm, AdamW, exponential moving average, gradient accumulation.
//
// Memory bound. AdamW reads parameter, gradient and two moments and writes three of them: 28 bytes per element,
// 20 with moments stored as bf16 (their arithmetic is float32).
// All sums run in a fixed order, so results do not depend on the number of threads.
#include <bit>
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
  float lr, beta1, beta2, rest1, rest2, eps, correction1, correction2, decay, factor;

  void update(float* w, const float* gradient, float* first, float* second, int64_t n) const {
    const float keep = 1.0f - lr * decay;
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

// A well mixed word from a counter: the finaliser of MurmurHash3.
inline uint32_t mixed(uint32_t word) {
  word ^= word >> 16;
  word *= 0x85EBCA6Bu;
  word ^= word >> 13;
  word *= 0xC2B2AE35u;
  return word ^ (word >> 16);
}

// bf16 that is `value` on average: rounded up with the probability of the part that is cut off, by 16 random bits.
inline bf16 toBf16Randomly(float value, uint32_t random) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const bool finite = (bits & 0x7F800000u) != 0x7F800000u;
  return finite ? static_cast<bf16>((bits + (random & 0xFFFFu)) >> 16) : toBf16(value);
}

// Rounding to nearest would lose every change of a moment below 1/256 of it, that is all of a second moment with
// beta2 = 0.999; random rounding keeps the mean. The bits depend on the step and the element alone.
void storeMoments(const float* first, const float* second, bf16* narrowFirst, bf16* narrowSecond, int64_t n,
                  uint32_t key) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t random = mixed(static_cast<uint32_t>(i) ^ key);
    narrowFirst[i] = toBf16Randomly(first[i], random);
    narrowSecond[i] = toBf16Randomly(second[i], random >> 16);
  }
}

float* masterValues(const Tensor& t, const char* what) {
  if (t.phys != Phys::F32) fail(std::string(what) + " must be stored as f32, found " + nameOf(t.phys));
  return t.f32();
}

struct Parameter {
  Tensor variable, gradient, first, second;
  float decay;
};

// One stretch of at most kBlock elements; `buffer` has room for three of them.
void updateStretch(const Parameter& p, int64_t at, int64_t n, AdamW settings, uint32_t key, float* buffer) {
  settings.decay = p.decay;
  const float* gradient = readRow(p.gradient, at, n, buffer);
  float* first = buffer + kBlock;
  float* second = buffer + 2 * kBlock;
  const bool narrow = p.first.phys == Phys::BF16;
  if (narrow) {
    widen(p.first.b16() + at, first, n);
    widen(p.second.b16() + at, second, n);
  } else {
    first = p.first.f32() + at;
    second = p.second.f32() + at;
  }
  settings.update(p.variable.f32() + at, gradient, first, second, n);
  if (narrow) storeMoments(first, second, p.first.b16() + at, p.second.b16() + at, n, key);
}

// Many tensors as one list of blocks, so that small ones share the threads too.
void adamw(Context& context, std::vector<Parameter>& parameters, const AdamW& settings, uint32_t step) {
  struct Part {
    const Parameter* parameter;
    int64_t begin;
  };
  std::vector<Part> parts;
  for (const Parameter& p : parameters) {
    for (int64_t at = 0; at < p.variable.count; at += kBlock) parts.push_back({&p, at});
  }
  Scratch<float> buffers(context, 3 * kBlock * omp_get_max_threads());
  parallelFor(static_cast<int64_t>(parts.size()), kBlock * 4, [&](int64_t begin, int64_t end) {
    float* buffer = buffers.data() + 3 * kBlock * omp_get_thread_num();
    for (int64_t i = begin; i < end; ++i) {
      const Parameter& p = *parts[i].parameter;
      const int64_t at = parts[i].begin;
      const uint32_t key = mixed(mixed(step) + static_cast<uint32_t>(i));
      updateStretch(p, at, std::min(kBlock, p.variable.count - at), settings, key, buffer);
    }
  });
}

}  // namespace

void registerOptimizer(Registry& registry) {
  // count, tensors... -> scalar
  registry.add("GlobalNorm", [](Context&, Args& args, Results& results) {
    std::vector<Tensor> tensors;
    for (int64_t count = args.integer(); count > 0; --count) tensors.push_back(args.floatTensor());
    *results.make({}, Phys::F32).f32() = static_cast<float>(std::sqrt(sumOfSquares(tensors)));
  });

  // norm, count, (variable, gradient, first, second) each; step; lr, beta1, beta2, eps, correction1, correction2, clipNorm,
  // then one decay per variable. Changes variable, first and second.
  registry.add("AdamW", [](Context& context, Args& args, Results&) {
    const Tensor norm = args.floatTensor();
    std::vector<Parameter> parameters;
    for (int64_t count = args.integer(); count > 0; --count) {
      Parameter& p = parameters.emplace_back();
      p.variable = args.floatTensor();
      p.gradient = args.floatTensor();
      p.first = args.floatTensor();
      p.second = args.floatTensor();
      masterValues(p.variable, "the variable");
      if (p.first.phys != p.second.phys) fail("the two moments must be stored in one type");
      const int64_t n = p.variable.count;
      if (p.gradient.count != n || p.first.count != n || p.second.count != n) fail("a gradient or moment has another size");
    }
    const uint32_t step = static_cast<uint32_t>(args.integer());
    AdamW settings{};
    settings.lr = static_cast<float>(args.real());
    const double beta1 = args.real(), beta2 = args.real();
    settings.beta1 = static_cast<float>(beta1);
    settings.beta2 = static_cast<float>(beta2);
    // In float32, 1 - 0.999f would be wrong in the fifth digit.
    settings.rest1 = static_cast<float>(1.0 - beta1);
    settings.rest2 = static_cast<float>(1.0 - beta2);
    for (float* value : {&settings.eps, &settings.correction1, &settings.correction2}) {
      *value = static_cast<float>(args.real());
    }
    const double clip = args.real();
    for (Parameter& p : parameters) p.decay = static_cast<float>(args.real());
    const double length = masterValues(norm, "the norm")[0];
    settings.factor = clip > 0 ? static_cast<float>(std::min(1.0, clip / (length + 1e-6))) : 1.0f;
    adamw(context, parameters, settings, step);
  });

  // average, value; decay. Changes the average.
  registry.add("EmaUpdate", [](Context& context, Args& args, Results&) {
    const Tensor average = args.floatTensor();
    const Tensor value = args.floatTensor();
    const double decay = args.real();
    if (average.count != value.count) fail("average and value differ in size");
    const Converted wide(context, value, Phys::F32);
    float* a = masterValues(average, "the average");
    const float* v = wide.tensor().f32();
    const float keep = static_cast<float>(decay), rest = static_cast<float>(1.0 - decay);
    parallelFor(average.count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) a[i] = keep * a[i] + rest * v[i];
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

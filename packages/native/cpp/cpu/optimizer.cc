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
#include "lanes.h"
#include "rows.h"

namespace uc {

namespace {

constexpr int64_t kBlock = 16384;   // elements of an item of work
constexpr int64_t kStretch = 1024;  // elements that are widened at a time

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
                  uint32_t key, uint32_t from) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t random = mixed((from + static_cast<uint32_t>(i)) ^ key);
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

// Elements [begin, end) of a block that starts at `block`; `key` is the block's.
void updateStretch(const Parameter& p, int64_t block, int64_t begin, int64_t end, AdamW settings, uint32_t key) {
  settings.decay = p.decay;
  float gradientBuffer[kStretch], firstBuffer[kStretch], secondBuffer[kStretch];
  const int64_t n = end - begin;
  const float* gradient = readRow(p.gradient, begin, n, gradientBuffer);
  const bool narrow = p.first.phys == Phys::BF16;
  float* first = rowTarget(p.first, begin, firstBuffer);
  float* second = rowTarget(p.second, begin, secondBuffer);
  if (narrow) {
    widen(p.first.b16() + begin, first, n);
    widen(p.second.b16() + begin, second, n);
  }
  settings.update(p.variable.f32() + begin, gradient, first, second, n);
  if (narrow) {
    storeMoments(first, second, p.first.b16() + begin, p.second.b16() + begin, n, key,
                 static_cast<uint32_t>(begin - block));
  }
}

// Many tensors as one list of blocks, so that small ones share the threads too.
void adamw(const std::vector<Parameter>& parameters, const AdamW& settings, uint32_t step) {
  struct Part {
    const Parameter* parameter;
    int64_t begin;
  };
  std::vector<Part> parts;
  for (const Parameter& p : parameters) {
    for (int64_t at = 0; at < p.variable.count; at += kBlock) parts.push_back({&p, at});
  }
  parallelFor(static_cast<int64_t>(parts.size()), kBlock * 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Parameter& p = *parts[i].parameter;
      const int64_t block = parts[i].begin, end = std::min(block + kBlock, p.variable.count);
      const uint32_t key = mixed(mixed(step) + static_cast<uint32_t>(i));
      for (int64_t at = block; at < end; at += kStretch) {
        updateStretch(p, block, at, std::min(at + kStretch, end), settings, key);
      }
    }
  });
}

struct Average {
  Tensor average, value;
};

void updateAverages(const std::vector<Average>& averages, double decay) {
  const float keep = static_cast<float>(decay), rest = static_cast<float>(1.0 - decay);
  std::vector<std::pair<const Average*, int64_t>> parts;
  for (const Average& a : averages) {
    for (int64_t at = 0; at < a.average.count; at += kBlock) parts.emplace_back(&a, at);
  }
  parallelFor(static_cast<int64_t>(parts.size()), kBlock, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto& [pair, at] = parts[i];
      float* average = pair->average.f32();
      withFloats(pair->value.phys, [&](auto* type) {
        const auto* value = pair->value.as<std::remove_pointer_t<decltype(type)>>();
        eachVector(at, std::min(at + kBlock, pair->average.count), [&](int64_t, const auto& load, const auto& store) {
          store(average, load(average) * keep + load(value) * rest);
        });
      });
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
  registry.add("AdamW", [](Context&, Args& args, Results&) {
    const Tensor norm = args.floatTensor();
    std::vector<Parameter> parameters;
    for (int64_t count = args.integer(); count > 0; --count) {
      Parameter& p = parameters.emplace_back();
      p.variable = args.targetTensor();
      p.gradient = args.floatTensor();
      p.first = args.targetTensor();
      p.second = args.targetTensor();
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
    adamw(parameters, settings, step);
  });

  // count, (average, value) each; decay. Changes the averages.
  registry.add("EmaUpdate", [](Context&, Args& args, Results&) {
    std::vector<Average> averages;
    for (int64_t count = args.integer(); count > 0; --count) {
      Average& a = averages.emplace_back();
      a.average = args.targetTensor();
      a.value = args.floatTensor();
      masterValues(a.average, "the average");
      if (a.average.count != a.value.count) fail("average and value differ in size");
    }
    updateAverages(averages, args.real());
  });

  // sum, addend: sum += addend, in the type of the sum
  registry.add("AddInPlace", [](Context&, Args& args, Results&) {
    const Tensor sum = args.targetTensor();
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

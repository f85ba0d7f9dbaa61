// What happens to whole parameter lists: global norm, AdamW, exponential moving average, gradient accumulation.
//
// Memory bound. AdamW reads parameter, gradient and two moments and writes three of them: 28 bytes per element,
// 20 with moments stored as bf16 (their arithmetic is float32).
// The random rounding of bf16 moments is as on a GPU. All sums run in a fixed order, so results do not depend on the number of threads.
#include <cmath>
#include <type_traits>
#include <vector>

#include "../formulas/adamw.h"
#include "../formulas/stretches.h"
#include "convert.h"
#include "fused.h"
#include "lanes.h"
#include "rows.h"

namespace uc {

namespace {

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

// Sum of squares over all tensors, by stretches of fixed size added in order.
double sumOfSquares(const std::vector<Tensor>& tensors) {
  const std::vector<Stretch> stretches = stretchesOf(tensors, [](const Tensor& t) { return t.count; });
  std::vector<double> sums(stretches.size());
  parallelFor(static_cast<int64_t>(stretches.size()), kOptimizerBlock, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Stretch& s = stretches[i];
      sums[i] = blockSquares(tensors[s.item], s.begin, s.begin + s.count);
    }
  });
  double total = 0.0;
  for (const double sum : sums) total += sum;
  return total;
}

float* masterValues(const Tensor& t, const char* what) {
  if (t.phys != Phys::F32) fail(std::string(what) + " must be stored as f32, found " + nameOf(t.phys));
  return t.f32();
}

struct Parameter {
  Tensor variable, gradient, first, second;
  float decay;
};

// Elements [begin, end) of a tensor. Random bits for moments in bf16 depend on the key and the element alone.
template <class G, class M>
void updateElements(const Parameter& p, const AdamW& settings, int64_t begin, int64_t end, uint32_t key) {
  float* variable = p.variable.f32();
  const G* gradient = p.gradient.as<G>();
  M *first = p.first.as<M>(), *second = p.second.as<M>();
  WordLanes element;
  for (int i = 0; i < kLanes; ++i) element[i] = static_cast<uint32_t>(i);
  eachVector(begin, end, [&](int64_t, const auto& load, const auto& store) {
    Lanes m = load(first), v = load(second);
    settings.updateMoments(load(gradient), m, v);
    store(variable, settings.weight(load(variable), m, sqrtLanes(v)));
    if constexpr (std::is_same_v<M, bf16>) {
      const WordLanes random = mixed(element ^ key);
      m = (Lanes)cutRandomly((WordLanes)m, random);
      v = (Lanes)cutRandomly((WordLanes)v, random >> 16);
      element += static_cast<uint32_t>(kLanes);
    }
    store(first, m);
    store(second, v);
  });
}

void adamw(const std::vector<Parameter>& parameters, const AdamW& settings, uint32_t step) {
  const std::vector<Stretch> stretches = stretchesOf(parameters, [](const Parameter& p) { return p.variable.count; });
  parallelFor(static_cast<int64_t>(stretches.size()), kOptimizerBlock * 4, [&](int64_t begin, int64_t end) {
    AdamW own = settings;
    for (int64_t i = begin; i < end; ++i) {
      const Stretch& s = stretches[i];
      const Parameter& p = parameters[s.item];
      const uint32_t key = mixed(mixed(step) + static_cast<uint32_t>(i));
      own.decay = p.decay;
      withFloats(p.gradient.phys, [&](auto* gradient) {
        withFloats(p.first.phys, [&](auto* moment) {
          using G = std::remove_pointer_t<decltype(gradient)>;
          using M = std::remove_pointer_t<decltype(moment)>;
          updateElements<G, M>(p, own, s.begin, s.begin + s.count, key);
        });
      });
    }
  });
}

struct Average {
  Tensor average, value;
};

void updateAverages(const std::vector<Average>& averages, double decay) {
  const float keep = static_cast<float>(decay), rest = static_cast<float>(1.0 - decay);
  const std::vector<Stretch> stretches = stretchesOf(averages, [](const Average& a) { return a.average.count; });
  parallelFor(static_cast<int64_t>(stretches.size()), kOptimizerBlock, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Stretch& s = stretches[i];
      const Average& pair = averages[s.item];
      float* average = pair.average.f32();
      withFloats(pair.value.phys, [&](auto* type) {
        const auto* value = pair.value.as<std::remove_pointer_t<decltype(type)>>();
        eachVector(s.begin, s.begin + s.count, [&](int64_t, const auto& load, const auto& store) {
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
    AdamW settings = AdamW::read(args);
    const double clip = args.real();
    for (Parameter& p : parameters) p.decay = static_cast<float>(args.real());
    checkNorm(norm);
    settings.factor = AdamW::clipFactor(clip, norm.f32()[0]);
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

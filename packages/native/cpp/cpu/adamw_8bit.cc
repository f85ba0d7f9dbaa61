// AdamW whose moments are stored as one byte each (formulas/block_codes.h): the first moment, and the root of the second,
// which is what the update divides by; its range of codes then spans that of the squares twice over.
//
// Reads parameter and gradient, writes the parameter: 12 bytes per element, and 4 bytes of codes. Arithmetic is float32; the
// search in the tables bounds it. The bits of the random rounding depend on the step and the element alone.
#include <cmath>
#include <vector>

#include "../formulas/adamw.h"
#include "../formulas/coded_moment.h"
#include "../formulas/stretches.h"
#include "../runtime/parallel.h"
#include "fused.h"
#include "rows.h"

namespace uc {

namespace {

struct Parameter {
  Tensor variable, gradient;
  CodedMoment first, root;
  float decay;
};

const float* readTable(Args& args) {
  const Tensor table = args.floatTensor();
  if (table.phys != Phys::F32 || table.count != kCodes) fail("a table of 256 values stored as f32 is needed");
  return table.f32();
}

float largest(const float* values, int64_t n) {
  float most = 0.0f;
#pragma omp simd reduction(max : most)
  for (int64_t i = 0; i < n; ++i) {
    const float size = std::fabs(values[i]);
    most = size > most ? size : most;
  }
  return most;
}

struct Tables {
  const float *ofFirst, *ofRoot;
};

// Elements [begin, begin + n) of a parameter, one block of codes; `element` counts from the start of the unit of work.
void updateBlock(const Parameter& p, const Tables& tables, int64_t begin, int64_t n, AdamW settings, uint32_t key,
                 uint32_t element) {
  settings.decay = p.decay;
  float gradientBuffer[kCodeBlock], first[kCodeBlock], second[kCodeBlock];
  const float* gradient = readRow(p.gradient, begin, n, gradientBuffer);
  float* weight = p.variable.f32() + begin;
  uint8_t *firstCodes = p.first.codes + begin, *rootCodes = p.root.codes + begin;
  float &firstScale = p.first.scales[begin / kCodeBlock], &rootScale = p.root.scales[begin / kCodeBlock];
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float root = tables.ofRoot[rootCodes[i]] * rootScale;
    first[i] = tables.ofFirst[firstCodes[i]] * firstScale;
    second[i] = root * root;
    weight[i] = settings.update(weight[i], gradient[i], first[i], second[i]);
    second[i] = std::sqrt(second[i]);
  }
  firstScale = largest(first, n);
  rootScale = largest(second, n);
  const float firstUnit = firstScale > 0.0f ? firstScale : 1.0f, rootUnit = rootScale > 0.0f ? rootScale : 1.0f;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t random = mixed((element + static_cast<uint32_t>(i)) ^ key);
    firstCodes[i] = static_cast<uint8_t>(randomCode(tables.ofFirst, first[i] / firstUnit, random));
    rootCodes[i] = static_cast<uint8_t>(randomPositiveCode(tables.ofRoot, second[i] / rootUnit, random >> 16));
  }
}

void update(const std::vector<Parameter>& parameters, const Tables& tables, const AdamW& settings, uint32_t step) {
  const std::vector<Stretch> stretches = stretchesOf(parameters, [](const Parameter& p) { return p.variable.count; });
  parallelFor(static_cast<int64_t>(stretches.size()), kOptimizerBlock * 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Stretch& s = stretches[i];
      const uint32_t key = mixed(mixed(step) + static_cast<uint32_t>(i));
      for (int64_t at = 0; at < s.count; at += kCodeBlock) {
        updateBlock(parameters[s.item], tables, s.begin + at, std::min(kCodeBlock, s.count - at), settings, key,
                    static_cast<uint32_t>(at));
      }
    }
  });
}

}  // namespace

void registerAdamW8bit(Registry& registry) {
  // norm, table of the first moment, table of the root, count, (variable, gradient, codes, scales, codes, scales) each; step;
  // lr, beta1, beta2, eps, correction1, correction2, clipNorm, then one decay per variable. Changes variables, codes, scales.
  registry.add("AdamW8bit", [](Context&, Args& args, Results&) {
    const Tensor norm = args.floatTensor();
    Tables tables{};
    tables.ofFirst = readTable(args);
    tables.ofRoot = readTable(args);
    std::vector<Parameter> parameters;
    for (int64_t count = args.integer(); count > 0; --count) {
      Parameter& p = parameters.emplace_back();
      p.variable = args.targetTensor();
      p.gradient = args.floatTensor();
      if (p.variable.phys != Phys::F32) fail(std::string("the variable must be stored as f32, found ") + nameOf(p.variable.phys));
      if (p.gradient.count != p.variable.count) fail("a gradient has another size");
      p.first = CodedMoment::read(args, p.variable.count);
      p.root = CodedMoment::read(args, p.variable.count);
    }
    const uint32_t step = static_cast<uint32_t>(args.integer());
    AdamW settings = AdamW::read(args);
    const double clip = args.real();
    for (Parameter& p : parameters) p.decay = static_cast<float>(args.real());
    checkNorm(norm);
    settings.factor = AdamW::clipFactor(clip, norm.f32()[0]);
    update(parameters, tables, settings, step);
  });
}

}  // namespace uc

// AdamW whose moments are stored as one byte each, see cpu/adamw_8bit.cc: a block of threads takes one block of codes after the
// other of a stretch. The bits of the random rounding are those of the CPU kernel.
#include "../formulas/adamw.h"
#include "../formulas/coded_moment.h"
#include "../formulas/stretches.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

struct Parameter {
  Floats gradient;
  float* variable;
  CodedMoment first, root;
  float decay;
};

const float* readTable(Args& args) {
  const Tensor table = args.floatTensor();
  if (table.immediate() || table.phys != Phys::F32 || table.count != kCodes) {
    fail("a table of 256 values stored as f32 is needed");
  }
  return table.f32();
}

Parameter readParameter(Args& args, int64_t& count) {
  const Tensor variable = args.targetTensor();
  const Tensor gradient = args.floatTensor();
  count = variable.count;
  if (variable.phys != Phys::F32) fail(std::string("the variable must be stored as f32, found ") + nameOf(variable.phys));
  if (gradient.count != count) fail("a gradient has another size");
  const CodedMoment first = CodedMoment::read(args, count);
  return {Floats(gradient), variable.f32(), first, CodedMoment::read(args, count), 0.0f};
}

struct Tables {
  const float *ofFirst, *ofRoot;
};

constexpr int kEach = static_cast<int>(kCodeBlock) / kBlockThreads;  // elements of a thread
static_assert(kCodeBlock % kBlockThreads == 0);

// The block of codes at `begin`, `n` elements; `element` counts from the start of the stretch.
__device__ void updateBlock(const Parameter& p, const Tables& tables, const AdamW& settings, int64_t begin, int n, uint32_t key,
                            uint32_t element) {
  float first[kEach], root[kEach], mostFirst = 0, mostRoot = 0;
  float &firstScale = p.first.scales[begin / kCodeBlock], &rootScale = p.root.scales[begin / kCodeBlock];
  for (int k = 0; k < kEach; ++k) {
    const int at = k * kBlockThreads + static_cast<int>(threadIdx.x);
    if (at >= n) continue;
    const int64_t i = begin + at;
    const float before = tables.ofRoot[p.root.codes[i]] * rootScale;
    float second = before * before;
    first[k] = tables.ofFirst[p.first.codes[i]] * firstScale;
    p.variable[i] = settings.update(p.variable[i], p.gradient[i], first[k], second);
    root[k] = std::sqrt(second);
    mostFirst = Larger()(mostFirst, std::fabs(first[k]));
    mostRoot = Larger()(mostRoot, root[k]);
  }
  mostFirst = blockReduce(mostFirst, Larger());
  mostRoot = blockReduce(mostRoot, Larger());
  const float firstUnit = mostFirst > 0.0f ? mostFirst : 1.0f, rootUnit = mostRoot > 0.0f ? mostRoot : 1.0f;
  for (int k = 0; k < kEach; ++k) {
    const int at = k * kBlockThreads + static_cast<int>(threadIdx.x);
    if (at >= n) continue;
    const uint32_t random = mixed((element + static_cast<uint32_t>(at)) ^ key);
    p.first.codes[begin + at] = static_cast<uint8_t>(randomCode(tables.ofFirst, first[k] / firstUnit, random));
    p.root.codes[begin + at] = static_cast<uint8_t>(randomPositiveCode(tables.ofRoot, root[k] / rootUnit, random >> 16));
  }
  if (threadIdx.x == 0) {
    firstScale = mostFirst;
    rootScale = mostRoot;
  }
}

// Arguments as in cpu/adamw_8bit.cc. The norm stays on the device.
void adamw8bit(Context& context, Args& args, Results&) {
  const Tensor norm = args.floatTensor();
  Tables tables{};
  tables.ofFirst = readTable(args);
  tables.ofRoot = readTable(args);
  std::vector<Parameter> parameters;
  std::vector<int64_t> counts;
  for (int64_t length = args.integer(); length > 0; --length) {
    parameters.push_back(readParameter(args, counts.emplace_back()));
  }
  const uint32_t step = static_cast<uint32_t>(args.integer());
  const AdamW common = AdamW::read(args);
  const double clip = args.real();
  for (Parameter& p : parameters) p.decay = static_cast<float>(args.real());
  checkNorm(norm);
  const std::vector<Stretch> stretches = stretchesOf(counts, [](int64_t count) { return count; });
  const int64_t n = static_cast<int64_t>(stretches.size());
  const DeviceTable<Stretch> stretchTable(context, stretches.data(), n);
  const DeviceTable<Parameter> parameterTable(context, parameters.data(), static_cast<int64_t>(parameters.size()));
  const Stretch* stretch = stretchTable.data();
  const Parameter* parameter = parameterTable.data();
  const Floats norms(norm);
  forEachBlock(context, n, [=] __device__(int64_t item) {
    const Stretch s = stretch[item];
    const Parameter p = parameter[s.item];
    AdamW settings = common;
    settings.decay = p.decay;
    settings.factor = AdamW::clipFactor(clip, norms[0]);
    const uint32_t key = mixed(mixed(step) + static_cast<uint32_t>(item));
    for (int at = 0; at < s.count; at += static_cast<int>(kCodeBlock)) {
      const int left = s.count - at;
      updateBlock(p, tables, settings, s.begin + at, left < kCodeBlock ? left : static_cast<int>(kCodeBlock), key,
                  static_cast<uint32_t>(at));
    }
  });
}

}  // namespace

void registerCudaAdamW8bit(Registry& r) { r.addCuda("AdamW8bit", adamw8bit); }

}  // namespace uc

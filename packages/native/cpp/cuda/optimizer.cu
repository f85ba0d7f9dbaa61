// What happens to whole parameter lists: global norm, AdamW, exponential moving average, gradient accumulation.
//
// Memory bound. AdamW reads parameter, gradient and two moments and writes three of them: 28 bytes per element, 20 with moments
// stored as bf16. One launch updates all tensors: a block takes a stretch of one of them. The bits of the random rounding are
// those of the CPU kernel.
#include "../formulas/adamw.h"
#include "../formulas/stretches.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

int64_t listLength(Args& args) {
  const int64_t n = args.integer();
  if (n < 0 || n > (1 << 20)) fail("a list of " + std::to_string(n) + " tensors");
  return n;
}

// count, tensors... -> scalar
void globalNorm(Context& context, Args& args, Results& results) {
  std::vector<Tensor> tensors(static_cast<size_t>(listLength(args)));
  for (Tensor& t : tensors) t = args.floatTensor();
  const std::vector<Stretch> stretches = stretchesOf(tensors, [](const Tensor& t) { return t.count; });
  const std::vector<Floats> views(tensors.begin(), tensors.end());
  const int64_t n = static_cast<int64_t>(stretches.size());
  const DeviceTable<Stretch> stretchTable(context, stretches.data(), n);
  const DeviceTable<Floats> viewTable(context, views.data(), static_cast<int64_t>(views.size()));
  const DeviceScratch<double> memory(context, std::max<int64_t>(n, 1));
  const Stretch* stretch = stretchTable.data();
  const Floats* view = viewTable.data();
  double* sums = memory.data();
  float* norm = results.make({}, Phys::F32).f32();
  forEachBlock(context, n, [=] __device__(int64_t item) {
    const Stretch s = stretch[item];
    const Floats x = view[s.item];
    double own = 0;
    for (int i = static_cast<int>(threadIdx.x); i < s.count; i += kBlockThreads) {
      const double value = x[s.begin + i];
      own += value * value;
    }
    own = blockSum(own);
    if (threadIdx.x == 0) sums[item] = own;
  });
  forEachBlock(context, 1, [=] __device__(int64_t) {
    double own = 0;
    for (int64_t i = threadIdx.x; i < n; i += kBlockThreads) own += sums[i];
    own = blockSum(own);
    if (threadIdx.x == 0) *norm = static_cast<float>(std::sqrt(own));
  });
}

struct Parameter {
  Floats gradient;
  float* variable;
  void *first, *second;  // f32 or bf16
  bool narrow;
  float decay;
};

Parameter readParameter(Args& args, int64_t& count) {
  const Tensor variable = args.floatTensor();
  const Tensor gradient = args.floatTensor();
  const Tensor first = args.floatTensor();
  const Tensor second = args.floatTensor();
  count = variable.count;
  if (variable.phys != Phys::F32) fail(std::string("the variable must be stored as f32, found ") + nameOf(variable.phys));
  if (first.phys != second.phys) fail("the two moments must be stored in one type");
  if (gradient.count != count || first.count != count || second.count != count) {
    fail("a gradient or moment has another size");
  }
  return {Floats(gradient), variable.f32(), first.data, second.data, first.phys == Phys::BF16, 0.0f};
}

__device__ inline void updateElement(const Parameter& p, const AdamW& settings, int64_t i, uint32_t random) {
  if (!p.narrow) {
    p.variable[i] = settings.update(p.variable[i], p.gradient[i], static_cast<float*>(p.first)[i],
                                    static_cast<float*>(p.second)[i]);
    return;
  }
  bf16& narrowFirst = static_cast<bf16*>(p.first)[i];
  bf16& narrowSecond = static_cast<bf16*>(p.second)[i];
  float first = toFloat(narrowFirst), second = toFloat(narrowSecond);
  p.variable[i] = settings.update(p.variable[i], p.gradient[i], first, second);
  narrowFirst = toBf16Randomly(first, random);
  narrowSecond = toBf16Randomly(second, random >> 16);
}

// norm, count, (variable, gradient, first, second) each; step; lr, beta1, beta2, eps, correction1, correction2, clipNorm, then one
// decay per variable. Changes variable, first and second. The norm stays on the device.
void adamw(Context& context, Args& args, Results&) {
  const Tensor norm = args.floatTensor();
  std::vector<Parameter> parameters;
  std::vector<int64_t> counts(static_cast<size_t>(listLength(args)));
  for (int64_t& count : counts) parameters.push_back(readParameter(args, count));
  const uint32_t step = static_cast<uint32_t>(args.integer());
  const AdamW common = AdamW::read(args);
  const double clip = args.real();
  for (Parameter& p : parameters) p.decay = static_cast<float>(args.real());
  checkNorm(norm);
  const std::vector<Stretch> stretches = stretchesOf(counts, [](int64_t count) { return count; });
  const int64_t n = static_cast<int64_t>(stretches.size());
  const DeviceTable<Stretch> stretchTable(context, stretches.data(), n);
  const DeviceTable<Parameter> table(context, parameters.data(), static_cast<int64_t>(parameters.size()));
  const Stretch* stretch = stretchTable.data();
  const Parameter* parameter = table.data();
  const Floats length(norm);
  forEachBlock(context, n, [=] __device__(int64_t item) {
    const Stretch s = stretch[item];
    const Parameter p = parameter[s.item];
    AdamW settings = common;
    settings.decay = p.decay;
    settings.factor = AdamW::clipFactor(clip, length[0]);
    const uint32_t key = mixed(mixed(step) + static_cast<uint32_t>(item));
    for (int i = static_cast<int>(threadIdx.x); i < s.count; i += kBlockThreads) {
      updateElement(p, settings, s.begin + i, mixed(static_cast<uint32_t>(i) ^ key));
    }
  });
}

// count, (average, value) each; decay. Changes the averages.
void emaUpdate(Context& context, Args& args, Results&) {
  std::vector<std::pair<Tensor, Tensor>> pairs;
  for (int64_t count = args.integer(); count > 0; --count) {
    const Tensor average = args.floatTensor();
    const Tensor value = args.floatTensor();
    if (average.count != value.count) fail("average and value differ in size");
    if (average.phys != Phys::F32) fail(std::string("the average must be stored as f32, found ") + nameOf(average.phys));
    pairs.emplace_back(average, value);
  }
  const double decay = args.real();
  const float keep = static_cast<float>(decay), rest = static_cast<float>(1.0 - decay);
  for (const auto& pair : pairs) {
    const Floats a(pair.first), v(pair.second);
    forEach(context, pair.first.count, [=] __device__(int64_t i) { a.put(i, keep * a[i] + rest * v[i]); });
  }
}

// sum, addend: sum += addend, in the type of the sum
void addInPlace(Context& context, Args& args, Results&) {
  const Tensor sum = args.floatTensor();
  const Tensor addend = args.floatTensor();
  if (sum.count != addend.count) fail("sum and addend differ in size");
  const Floats s(sum), a(addend);
  forEach(context, sum.count, [=] __device__(int64_t i) { s.put(i, s[i] + a[i]); });
}

}  // namespace

void registerCudaOptimizer(Registry& r) {
  r.addCuda("GlobalNorm", globalNorm);
  r.addCuda("AdamW", adamw);
  r.addCuda("EmaUpdate", emaUpdate);
  r.addCuda("AddInPlace", addInPlace);
}

}  // namespace uc

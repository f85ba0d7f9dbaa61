// Reductions over the middle of [outer, n, inner]. Memory bound: every element is read once.
//
// Sums and products are double, as on the CPU side over its runs. Few long reductions are cut into parts of a number that
// depends on sizes alone; parts are combined in order, so results never change from run to run.
#include "register.h"
#include "values.h"

namespace uc {

namespace {

// A NaN anywhere gives NaN.
struct MaxOp {
  using Total = float;
  UC_HD static float start() { return -INFINITY; }
  UC_HD float operator()(float a, float b) const { return b > a || b != b ? b : a; }
};
struct MinOp {
  using Total = float;
  UC_HD static float start() { return INFINITY; }
  UC_HD float operator()(float a, float b) const { return b < a || b != b ? b : a; }
};
struct SumOp {
  using Total = double;
  UC_HD static double start() { return 0; }
  UC_HD double operator()(double a, double b) const { return a + b; }
};
struct ProdOp {
  using Total = double;
  UC_HD static double start() { return 1; }
  UC_HD double operator()(double a, double b) const { return a * b; }
};

struct Extent {
  int64_t outer, n, inner;
};

Extent readExtent(Args& args, const Tensor& x) {
  const Extent e{args.integer(), args.integer(), args.integer()};
  if (e.outer < 0 || e.n < 0 || e.inner < 0 || Dims{e.outer, e.n, e.inner}.count() != x.count) {
    fail("the extents " + Dims{e.outer, e.n, e.inner}.text() + " do not cover the tensor");
  }
  return e;
}

// Elements that one thread or block takes at least before a reduction is cut into parts.
constexpr int64_t kPartLength = 4096;
constexpr int64_t kEnoughOutputs = 4096;

// Rows are contiguous: a block per (row, part), then one thread per row over its parts.
template <class Op>
void reduceRows(Context& context, const Tensor& x, const Extent& e, const Floats& y, double scale) {
  using Total = typename Op::Total;
  const Floats in(x);
  const int64_t n = e.n;
  const int64_t parts = e.outer >= kEnoughOutputs ? 1 : std::clamp<int64_t>(n / kPartLength, 1, 512);
  const DeviceScratch<Total> totals(context, std::max<int64_t>(e.outer * parts, 1));
  Total* total = totals.data();
  forEachBlock(context, e.outer * parts, [=] __device__(int64_t item) {
    const Op op;
    const int64_t part = item % parts, row = item / parts * n;
    Total own = Op::start();
    for (int64_t i = n * part / parts + threadIdx.x; i < n * (part + 1) / parts; i += kBlockThreads) {
      own = op(own, static_cast<Total>(in[row + i]));
    }
    own = blockReduce(own, op);
    if (threadIdx.x == 0) total[item] = own;
  });
  forEach(context, e.outer, [=] __device__(int64_t row) {
    const Op op;
    Total all = Op::start();
    for (int64_t part = 0; part < parts; ++part) all = op(all, total[row * parts + part]);
    y.put(row, static_cast<float>(all * static_cast<Total>(scale)));
  });
}

// inner > 1: one thread per (output, part), neighbours read neighbours.
template <class Op>
void reduceColumns(Context& context, const Tensor& x, const Extent& e, const Floats& y, double scale) {
  using Total = typename Op::Total;
  const Floats in(x);
  const int64_t n = e.n, inner = e.inner, outputs = e.outer * inner;
  const int64_t parts = outputs >= 16 * kEnoughOutputs ? 1 : std::clamp<int64_t>(n / 32, 1, 128);
  const DeviceScratch<Total> totals(context, std::max<int64_t>(outputs * parts, 1));
  Total* total = totals.data();
  forEach(context, outputs * parts, [=] __device__(int64_t item) {
    const Op op;
    const int64_t output = item % outputs, part = item / outputs;
    const int64_t at = output / inner * n * inner + output % inner;
    Total own = Op::start();
    for (int64_t i = n * part / parts; i < n * (part + 1) / parts; ++i) {
      own = op(own, static_cast<Total>(in[at + i * inner]));
    }
    total[item] = own;
  });
  forEach(context, outputs, [=] __device__(int64_t output) {
    const Op op;
    Total all = Op::start();
    for (int64_t part = 0; part < parts; ++part) all = op(all, total[part * outputs + output]);
    y.put(output, static_cast<float>(all * static_cast<Total>(scale)));
  });
}

// One thread per output; for int32 and bool, which are small here.
template <class T, class F>
void reducePlain(Context& context, const Tensor& x, const Extent& e, const Tensor& y, T start, F f) {
  const T* in = x.as<T>();
  T* out = y.as<T>();
  const int64_t n = e.n, inner = e.inner;
  forEach(context, e.outer * inner, [=] __device__(int64_t item) {
    const T* from = in + item / inner * n * inner + item % inner;
    T value = start;
    for (int64_t i = 0; i < n; ++i) value = f(value, from[i * inner]);
    out[item] = value;
  });
}

struct WrapPlus {
  UC_HD int32_t operator()(int32_t a, int32_t b) const {
    return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
  }
};
struct WrapTimes {
  UC_HD int32_t operator()(int32_t a, int32_t b) const {
    return static_cast<int32_t>(static_cast<uint32_t>(a) * static_cast<uint32_t>(b));
  }
};
struct Smaller {
  UC_HD int32_t operator()(int32_t a, int32_t b) const { return a < b ? a : b; }
};
struct BitAnd {
  UC_HD uint8_t operator()(uint8_t a, uint8_t b) const { return a & b; }
};
struct BitOr {
  UC_HD uint8_t operator()(uint8_t a, uint8_t b) const { return a | b; }
};

// Max and Min keep the type of their input; sums, means and products are f32.
template <class Op, class F>
void addReduction(Registry& registry, const char* name, bool keep, bool mean, int32_t start, F f) {
  registry.addCuda(name, [keep, mean, start, f](Context& context, Args& args, Results& results) {
    const Tensor x = args.tensor();
    const Extent e = readExtent(args, x);
    const Dims dims{e.outer, e.inner};
    if (isFloat(x.phys)) {
      const Floats y(results.make(dims, keep ? x.phys : Phys::F32));
      const double scale = mean ? 1.0 / static_cast<double>(e.n) : 1.0;
      return e.inner == 1 ? reduceRows<Op>(context, x, e, y, scale) : reduceColumns<Op>(context, x, e, y, scale);
    }
    if (x.phys != Phys::I32) fail(std::string("an operand of type ") + nameOf(x.phys) + " is not supported");
    reducePlain<int32_t>(context, x, e, results.make(dims, Phys::I32), start, f);
  });
}

template <class F, uint8_t start>
void logical(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Extent e = readExtent(args, x);
  if (x.phys != Phys::U8) fail("a bool tensor is needed");
  reducePlain<uint8_t>(context, x, e, results.make(Dims{e.outer, e.inner}, Phys::U8), start, F{});
}

// Best so far of one thread: first index of the largest (smallest) number; index -1 before the first number.
template <class T, bool kMax>
struct Best {
  T value;
  int32_t index;

  UC_HD void offer(T other, int32_t at) {
    const bool better = kMax ? other > value : other < value;
    if (index < 0 ? other == other : better || (other == value && at < index)) *this = {other, at};
  }
};

// Rows are contiguous: a block per row.
template <class T, bool kMax>
void argExtremeRows(Context& context, const Operand<T>& in, const Extent& e, int32_t* out) {
  const int64_t n = e.n;
  forEachBlock(context, e.outer, [=] __device__(int64_t row) {
    __shared__ Best<T, kMax> candidates[kBlockThreads];
    Best<T, kMax> best{T{0}, -1};
    for (int64_t i = threadIdx.x; i < n; i += kBlockThreads) best.offer(in[row * n + i], static_cast<int32_t>(i));
    candidates[threadIdx.x] = best;
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (int i = 1; i < kBlockThreads; ++i) {
      if (candidates[i].index >= 0) best.offer(candidates[i].value, candidates[i].index);
    }
    // A scan from the front never leaves a NaN that stands first.
    const T first = in[row * n];
    out[row] = first != first || best.index < 0 ? 0 : best.index;
  });
}

template <class T, bool kMax>
void argExtremeColumns(Context& context, const Operand<T>& in, const Extent& e, int32_t* out) {
  const int64_t n = e.n, inner = e.inner;
  forEach(context, e.outer * inner, [=] __device__(int64_t item) {
    const int64_t at = item / inner * n * inner + item % inner;
    const T first = in[at];
    Best<T, kMax> best{T{0}, -1};
    for (int64_t i = 0; i < n; ++i) best.offer(in[at + i * inner], static_cast<int32_t>(i));
    out[item] = first != first || best.index < 0 ? 0 : best.index;
  });
}

template <class T, bool kMax>
void argExtremeOf(Context& context, const Tensor& x, const Extent& e, int32_t* out) {
  const Operand<T> in(x);
  if (e.inner == 1) return argExtremeRows<T, kMax>(context, in, e, out);
  argExtremeColumns<T, kMax>(context, in, e, out);
}

// First index of the largest (smallest) value.
template <bool kMax>
void argExtreme(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Extent e = readExtent(args, x);
  if (e.n == 0 && e.outer * e.inner > 0) fail("the axis is empty");
  int32_t* out = results.make(Dims{e.outer, e.inner}, Phys::I32).i32();
  if (isFloat(x.phys)) return argExtremeOf<float, kMax>(context, x, e, out);
  argExtremeOf<int32_t, kMax>(context, x, e, out);
}

}  // namespace

void registerCudaReduce(Registry& r) {
  addReduction<SumOp>(r, "Sum", false, false, 0, WrapPlus{});
  addReduction<SumOp>(r, "Mean", false, true, 0, WrapPlus{});
  addReduction<ProdOp>(r, "Prod", false, false, 1, WrapTimes{});
  addReduction<MaxOp>(r, "Max", true, false, INT32_MIN, Larger{});
  addReduction<MinOp>(r, "Min", true, false, INT32_MAX, Smaller{});
  r.addCuda("All", logical<BitAnd, 1>);
  r.addCuda("Any", logical<BitOr, 0>);
  r.addCuda("ArgMax", argExtreme<true>);
  r.addCuda("ArgMin", argExtreme<false>);
}

}  // namespace uc

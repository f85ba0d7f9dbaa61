// Reductions over the middle of [outer, n, inner]. JavaScript brings other axes into this form by a transpose.
//
// Memory bound: every element is read once. Sums are f32 over short runs and double over the runs, so that the error
// does not grow with n.
#include <cmath>
#include <vector>

#include "../runtime/parallel.h"
#include "broadcast.h"
#include "convert.h"
#include "register.h"

namespace uc {

namespace {

constexpr int64_t kLanes = 16;
// Rows that are added in f32 before the partial sum goes into a double.
constexpr int64_t kRun = 128;

struct SumOp {
  static constexpr float kStart = 0;
  static float apply(float a, float b) { return a + b; }
};
struct ProdOp {
  static constexpr float kStart = 1;
  static float apply(float a, float b) { return a * b; }
};
// A NaN anywhere gives NaN.
struct MaxOp {
  static constexpr float kStart = -INFINITY;
  static float apply(float a, float b) { return b > a || b != b ? b : a; }
};
struct MinOp {
  static constexpr float kStart = INFINITY;
  static float apply(float a, float b) { return b < a || b != b ? b : a; }
};

struct Extent {
  int64_t outer, n, inner;
};

// Reduction of n contiguous values with independent lanes.
template <class Op>
float reduceRun(const float* x, int64_t n) {
  float lanes[kLanes];
  for (float& lane : lanes) lane = Op::kStart;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] = Op::apply(lanes[l], x[i + l]);
  }
  float result = Op::kStart;
  for (; i < n; ++i) result = Op::apply(result, x[i]);
  for (float lane : lanes) result = Op::apply(result, lane);
  return result;
}

template <class Op>
double combine(double a, double b) {
  return Op::apply(static_cast<float>(a), static_cast<float>(b));
}
template <>
double combine<SumOp>(double a, double b) {
  return a + b;
}
template <>
double combine<ProdOp>(double a, double b) {
  return a * b;
}

// Reduction of elements [from, from + n) of a tensor of any float type.
template <class Op>
double reduceRow(const Tensor& x, int64_t from, int64_t n) {
  double total = Op::kStart;
  float buffer[kChunk];
  for (int64_t i = 0; i < n; i += kChunk) {
    const int64_t run = std::min(kChunk, n - i);
    const float* values = buffer;
    if (x.phys == Phys::F32) {
      values = x.f32() + from + i;
    } else {
      convertRun<float>(x, from + i, run, buffer);
    }
    total = combine<Op>(total, reduceRun<Op>(values, run));
  }
  return total;
}

// Rows are contiguous: one result per row. A single long row is shared between the threads.
template <class Op>
void reduceRows(const Tensor& x, const Extent& e, float* y, double scale) {
  if (e.outer >= 2 * omp_get_max_threads() || e.outer * e.n < kParallelGrain) {
    parallelFor(e.outer, e.n, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) y[o] = static_cast<float>(reduceRow<Op>(x, o * e.n, e.n) * scale);
    });
    return;
  }
  const int64_t parts = omp_get_max_threads();
  std::vector<double> partial(parts);
  for (int64_t o = 0; o < e.outer; ++o) {
    parallelFor(parts, e.n / parts + 1, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        const int64_t from = e.n * p / parts;
        partial[p] = reduceRow<Op>(x, o * e.n + from, e.n * (p + 1) / parts - from);
      }
    });
    double total = Op::kStart;
    for (double value : partial) total = combine<Op>(total, value);
    y[o] = static_cast<float>(total * scale);
  }
}

// inner > 1: whole rows of a column range are combined; threads take (outer, column range) pairs.
template <class Op>
void reduceColumns(const Tensor& x, const Extent& e, float* y, double scale) {
  constexpr int64_t kWidth = 256;
  const int64_t blocks = (e.inner + kWidth - 1) / kWidth;
  parallelFor(e.outer * blocks, e.n * std::min(e.inner, kWidth), [&](int64_t begin, int64_t end) {
    float row[kWidth];
    float run[kWidth];
    double total[kWidth];
    for (int64_t task = begin; task < end; ++task) {
      const int64_t o = task / blocks;
      const int64_t column = task % blocks * kWidth;
      const int64_t width = std::min(kWidth, e.inner - column);
      for (int64_t j = 0; j < width; ++j) total[j] = Op::kStart;
      for (int64_t start = 0; start < e.n; start += kRun) {
        for (int64_t j = 0; j < width; ++j) run[j] = Op::kStart;
        for (int64_t i = start; i < std::min(e.n, start + kRun); ++i) {
          const int64_t at = (o * e.n + i) * e.inner + column;
          const float* values = row;
          if (x.phys == Phys::F32) {
            values = x.f32() + at;
          } else {
            convertRun<float>(x, at, width, row);
          }
          for (int64_t j = 0; j < width; ++j) run[j] = Op::apply(run[j], values[j]);
        }
        for (int64_t j = 0; j < width; ++j) total[j] = combine<Op>(total[j], run[j]);
      }
      for (int64_t j = 0; j < width; ++j) y[o * e.inner + column + j] = static_cast<float>(total[j] * scale);
    }
  });
}

template <class Op>
void reduceFloat(const Tensor& x, const Extent& e, float* y, double scale = 1) {
  if (e.inner == 1) {
    reduceRows<Op>(x, e, y, scale);
  } else {
    reduceColumns<Op>(x, e, y, scale);
  }
}

template <class T, class F>
void reducePlain(const Tensor& x, const Extent& e, const Tensor& y, T start, const F& f) {
  parallelFor(e.outer * e.inner, e.n, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const T* from = x.as<T>() + task / e.inner * e.n * e.inner + task % e.inner;
      T value = start;
      for (int64_t i = 0; i < e.n; ++i) value = f(value, from[i * e.inner]);
      y.as<T>()[task] = value;
    }
  });
}

Extent readExtent(Args& args, const Tensor& x) {
  const Extent e{args.integer(), args.integer(), args.integer()};
  if (e.outer < 0 || e.n < 0 || e.inner < 0 || Dims{e.outer, e.n, e.inner}.count() != x.count) {
    fail("the extents " + Dims{e.outer, e.n, e.inner}.text() + " do not cover the tensor");
  }
  return e;
}

// Max and Min keep the type of their input; sums, means and products are f32.
void makeFloat(const Tensor& x, const Extent& e, Results& results, bool keep,
               void (*f)(const Tensor&, const Extent&, float*, double), double scale, Context& context) {
  const Dims dims{e.outer, e.inner};
  if (keep && x.phys == Phys::BF16) {
    const Tensor y = results.make(dims, Phys::BF16);
    Scratch<float> wide(context, std::max<int64_t>(y.count, 1));
    f(x, e, wide.data(), scale);
    narrow(wide.data(), y.b16(), y.count);
  } else {
    f(x, e, results.make(dims, Phys::F32).f32(), scale);
  }
}

template <class Op, class F>
void addReduction(Registry& registry, const char* name, bool keep, bool mean, int32_t start, const F& g) {
  registry.add(name, [keep, mean, start, g](Context& context, Args& args, Results& results) {
    const Tensor x = args.tensor();
    const Extent e = readExtent(args, x);
    if (isFloat(x.phys)) {
      makeFloat(x, e, results, keep, &reduceFloat<Op>, mean ? 1.0 / static_cast<double>(e.n) : 1.0, context);
    } else if (x.phys == Phys::I32) {
      reducePlain<int32_t>(x, e, results.make(Dims{e.outer, e.inner}, Phys::I32), start, g);
    } else {
      fail(std::string("an operand of type ") + nameOf(x.phys) + " is not supported");
    }
  });
}

template <class F>
void addLogical(Registry& registry, const char* name, uint8_t start, const F& f) {
  registry.add(name, [start, f](Context&, Args& args, Results& results) {
    const Tensor x = args.tensor();
    const Extent e = readExtent(args, x);
    if (x.phys != Phys::U8) fail("a bool tensor is needed");
    reducePlain<uint8_t>(x, e, results.make(Dims{e.outer, e.inner}, Phys::U8), start, f);
  });
}

// First index of the largest (smallest) value; a NaN is never chosen over a number.
template <bool kMax>
void argExtreme(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Extent e = readExtent(args, x);
  if (e.n == 0 && e.outer * e.inner > 0) fail("the axis is empty");
  const Tensor y = results.make(Dims{e.outer, e.inner}, Phys::I32);
  const auto run = [&](const auto* values) {
    parallelFor(e.outer * e.inner, e.n, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const auto* from = values + task / e.inner * e.n * e.inner + task % e.inner;
        auto best = from[0];
        int32_t index = 0;
        for (int64_t i = 1; i < e.n; ++i) {
          const auto value = from[i * e.inner];
          if (kMax ? value > best : value < best) {
            best = value;
            index = static_cast<int32_t>(i);
          }
        }
        y.i32()[task] = index;
      }
    });
  };
  if (x.phys == Phys::I32) return run(x.i32());
  if (x.phys == Phys::U8) return run(x.u8());
  const Converted wide(context, x, Phys::F32);
  run(wide.tensor().f32());
}

}  // namespace

void registerReduce(Registry& r) {
  const auto add = [](int32_t a, int32_t b) { return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b)); };
  addReduction<SumOp>(r, "Sum", false, false, 0, add);
  addReduction<SumOp>(r, "Mean", false, true, 0, add);
  addReduction<ProdOp>(r, "Prod", false, false, 1,
                       [](int32_t a, int32_t b) { return static_cast<int32_t>(static_cast<uint32_t>(a) * static_cast<uint32_t>(b)); });
  addReduction<MaxOp>(r, "Max", true, false, INT32_MIN, [](int32_t a, int32_t b) { return a > b ? a : b; });
  addReduction<MinOp>(r, "Min", true, false, INT32_MAX, [](int32_t a, int32_t b) { return a < b ? a : b; });
  addLogical(r, "All", 1, [](uint8_t a, uint8_t b) -> uint8_t { return a & b; });
  addLogical(r, "Any", 0, [](uint8_t a, uint8_t b) -> uint8_t { return a | b; });
  r.add("ArgMax", argExtreme<true>);
  r.add("ArgMin", argExtreme<false>);
}

}  // namespace uc

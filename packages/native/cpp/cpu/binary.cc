// Binary elementwise kernels with NumPy broadcasting: arithmetic on float32 and int32, comparisons, logic.
//
// Memory bound: reads both operands and writes the output once; one chunk of each stays in the first-level cache.
#include <cmath>

#include "../runtime/parallel.h"
#include "broadcast.h"
#include "register.h"

namespace uc {

namespace {

template <class T, class R>
using Loop = void (*)(const T* __restrict, const T* __restrict, R* __restrict, int64_t);

// The plain loop of one operation. `F` is stateless; the compiler vectorises what can be vectorised.
template <class T, class R, class F>
void loop(const T* __restrict a, const T* __restrict b, R* __restrict out, int64_t n) {
  const F f;
  for (int64_t i = 0; i < n; ++i) out[i] = f(a[i], b[i]);
}

template <class T, class R, class F>
constexpr Loop<T, R> loopOf(F) {
  return &loop<T, R, F>;
}

Phys floatResult(const Tensor& a, const Tensor& b) {
  if (a.immediate() && !b.immediate()) return b.phys == Phys::BF16 ? Phys::BF16 : Phys::F32;
  if (b.immediate() && !a.immediate()) return a.phys == Phys::BF16 ? Phys::BF16 : Phys::F32;
  return promote(a.phys, b.phys);
}

void runFloat(const Tensor& a, const Tensor& b, const Dims& shape, Results& results, Loop<float, float> f,
              int64_t cost) {
  const Tensor out = results.make(shape, floatResult(a, b));
  const BroadcastMap mapA(a.dims, shape);
  const BroadcastMap mapB(b.dims, shape);
  parallelFor(out.count, cost, [&](int64_t begin, int64_t end) {
    if (end - begin == 1 && a.phys == Phys::F32 && b.phys == Phys::F32 && a.count == 1 && b.count == 1 &&
        out.phys == Phys::F32) {
      f(a.f32(), b.f32(), out.f32(), 1);
      return;
    }
    ChunkReader<float> readA(a, mapA);
    ChunkReader<float> readB(b, mapB);
    ChunkWriter write(out);
    for (int64_t start = begin; start < end; start += kChunk) {
      const int64_t n = std::min(kChunk, end - start);
      f(readA.read(start, n), readB.read(start, n), write.begin(start), n);
      write.end(start, n);
    }
  });
}

template <class T, class R>
void runPlain(const Tensor& a, const Tensor& b, const Tensor& out, Loop<T, R> f) {
  const BroadcastMap mapA(a.dims, out.dims);
  const BroadcastMap mapB(b.dims, out.dims);
  parallelFor(out.count, 1, [&](int64_t begin, int64_t end) {
    ChunkReader<T> readA(a, mapA);
    ChunkReader<T> readB(b, mapB);
    for (int64_t start = begin; start < end; start += kChunk) {
      const int64_t n = std::min(kChunk, end - start);
      f(readA.read(start, n), readB.read(start, n), out.as<R>() + start, n);
    }
  });
}

// float32 op float32 -> float32; int32 op int32 -> int32.
void addArithmetic(Registry& registry, const char* name, Loop<float, float> f, Loop<int32_t, int32_t> g,
                   int64_t cost = 1) {
  registry.add(name, [f, g, cost](Context&, Args& args, Results& results) {
    const Tensor a = args.tensor();
    const Tensor b = args.tensor();
    const Dims shape = broadcastShapes(a.dims, b.dims);
    if (isFloat(a.phys) && isFloat(b.phys)) {
      runFloat(a, b, shape, results, f, cost);
    } else if (g != nullptr && a.phys == Phys::I32 && b.phys == Phys::I32) {
      runPlain<int32_t, int32_t>(a, b, results.make(shape, Phys::I32), g);
    } else {
      fail("operands of types " + std::string(nameOf(a.phys)) + " and " + nameOf(b.phys) + " are not supported");
    }
  });
}

// float32, int32 or bool operands -> bool.
void addComparison(Registry& registry, const char* name, Loop<float, uint8_t> f, Loop<int32_t, uint8_t> g) {
  registry.add(name, [f, g](Context&, Args& args, Results& results) {
    const Tensor a = args.tensor();
    const Tensor b = args.tensor();
    const Tensor out = results.make(broadcastShapes(a.dims, b.dims), Phys::U8);
    if (isFloat(a.phys) || isFloat(b.phys)) {
      runPlain<float, uint8_t>(a, b, out, f);
    } else {
      runPlain<int32_t, uint8_t>(a, b, out, g);
    }
  });
}

void addLogical(Registry& registry, const char* name, Loop<uint8_t, uint8_t> f) {
  registry.add(name, [f](Context&, Args& args, Results& results) {
    const Tensor a = args.tensor();
    const Tensor b = args.tensor();
    runPlain<uint8_t, uint8_t>(a, b, results.make(broadcastShapes(a.dims, b.dims), Phys::U8), f);
  });
}

int32_t wrap(int64_t v) { return static_cast<int32_t>(static_cast<uint32_t>(v)); }

#define UC_F(EXPR) loopOf<float, float>([](float x, float y) -> float { return EXPR; })
#define UC_I(EXPR) loopOf<int32_t, int32_t>([](int32_t x, int32_t y) -> int32_t { return EXPR; })
#define UC_CMP(OP)                                                              \
  loopOf<float, uint8_t>([](float x, float y) -> uint8_t { return x OP y; }), \
      loopOf<int32_t, uint8_t>([](int32_t x, int32_t y) -> uint8_t { return x OP y; })

// As JavaScript's Math.max and Math.min: a NaN operand gives NaN.
inline float maximum(float x, float y) { return x > y || x != x ? x : y; }
inline float minimum(float x, float y) { return x < y || x != x ? x : y; }

// Integer power with wrap-around; a negative exponent truncates towards zero.
int32_t integerPower(int32_t base, int32_t exponent) {
  return static_cast<int32_t>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
}

}  // namespace

void registerBinary(Registry& r) {
  addArithmetic(r, "Add", UC_F(x + y), UC_I(wrap(int64_t{x} + y)));
  addArithmetic(r, "Sub", UC_F(x - y), UC_I(wrap(int64_t{x} - y)));
  addArithmetic(r, "Multiply", UC_F(x * y), UC_I(wrap(int64_t{x} * y)));
  addArithmetic(r, "RealDiv", UC_F(x / y), nullptr);
  addArithmetic(r, "Maximum", UC_F(maximum(x, y)), UC_I(x > y ? x : y));
  addArithmetic(r, "Minimum", UC_F(minimum(x, y)), UC_I(x < y ? x : y));
  addArithmetic(r, "SquaredDifference", UC_F((x - y) * (x - y)), UC_I(wrap((int64_t{x} - y) * (int64_t{x} - y))));
  addArithmetic(r, "Pow", UC_F(std::pow(x, y)), UC_I(integerPower(x, y)), 16);
  addArithmetic(r, "Atan2", UC_F(std::atan2(x, y)), nullptr, 16);
  // The sign follows the divisor, as in the cpu backend.
  addArithmetic(r, "Mod", UC_F((x < 0) == (y < 0) ? std::fmod(x, y) : std::fmod(std::fmod(x, y) + y, y)),
                UC_I(y == 0 ? 0 : static_cast<int32_t>(((int64_t{x} % y) + y) % y)), 8);
  addArithmetic(r, "FloorDiv", UC_F(std::floor(x / y)),
                UC_I(y == 0 ? 0 : wrap(int64_t{x} / y - ((int64_t{x} % y != 0) && ((x < 0) != (y < 0))))));
  addComparison(r, "Equal", UC_CMP(==));
  addComparison(r, "NotEqual", UC_CMP(!=));
  addComparison(r, "Greater", UC_CMP(>));
  addComparison(r, "GreaterEqual", UC_CMP(>=));
  addComparison(r, "Less", UC_CMP(<));
  addComparison(r, "LessEqual", UC_CMP(<=));
  addLogical(r, "LogicalAnd", loopOf<uint8_t, uint8_t>([](uint8_t x, uint8_t y) -> uint8_t { return x & y; }));
  addLogical(r, "LogicalOr", loopOf<uint8_t, uint8_t>([](uint8_t x, uint8_t y) -> uint8_t { return x | y; }));
}

}  // namespace uc

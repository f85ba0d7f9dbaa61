// Binary elementwise kernels with NumPy broadcasting: arithmetic on float32 and int32, comparisons, logic.
//
// Memory bound: reads both operands and writes the output once; one chunk of each stays in the first-level cache.
#include <cmath>

#include "../formulas/elementwise.h"
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
                   int64_t cost) {
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

#define UC_F(EXPR) loopOf<float, float>([](float x, float y) -> float { return EXPR; })
#define UC_I(EXPR) loopOf<int32_t, int32_t>([](int32_t x, int32_t y) -> int32_t { return EXPR; })
#define UC_CMP(OP)                                                              \
  loopOf<float, uint8_t>([](float x, float y) -> uint8_t { return x OP y; }), \
      loopOf<int32_t, uint8_t>([](int32_t x, int32_t y) -> uint8_t { return x OP y; })

}  // namespace

void registerBinary(Registry& r) {
#define UC_BINARY(NAME, COST, FLOAT, WHOLE) addArithmetic(r, #NAME, UC_F(FLOAT), UC_I(WHOLE), COST);
#define UC_BINARY_FLOAT(NAME, COST, FLOAT) addArithmetic(r, #NAME, UC_F(FLOAT), nullptr, COST);
#include "../formulas/binary.inc"
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

// Unary elementwise kernels and casts. Memory bound except for the transcendental functions.
#include <cmath>

#include "../formulas/elementwise.h"
#include "../runtime/parallel.h"
#include "broadcast.h"
#include "register.h"

namespace uc {

namespace {

// p and q are the attributes of the kernels that have some (alpha; minimum and maximum).
template <class T, class R>
using Loop = void (*)(const T* __restrict, R* __restrict, int64_t, float p, float q);

template <class T, class R, class F>
void loop(const T* __restrict x, R* __restrict y, int64_t n, float p, float q) {
  const F f;
  for (int64_t i = 0; i < n; ++i) y[i] = f(x[i], p, q);
}

template <class T, class R, class F>
constexpr Loop<T, R> loopOf(F) {
  return &loop<T, R, F>;
}

#define UC_F(EXPR) \
  loopOf<float, float>([](float x, [[maybe_unused]] float p, [[maybe_unused]] float q) -> float { return EXPR; })
#define UC_I(EXPR) \
  loopOf<int32_t, int32_t>([](int32_t x, [[maybe_unused]] float p, [[maybe_unused]] float q) -> int32_t { return EXPR; })
#define UC_TEST(EXPR) loopOf<float, uint8_t>([](float x, float, float) -> uint8_t { return EXPR; })

template <class T, class R>
void runPlain(const Tensor& x, const Tensor& y, Loop<T, R> f, float p, float q) {
  const BroadcastMap map(x.dims, x.dims);
  parallelFor(x.count, 1, [&](int64_t begin, int64_t end) {
    ChunkReader<T> read(x, map);
    for (int64_t start = begin; start < end; start += kChunk) {
      const int64_t n = std::min(kChunk, end - start);
      f(read.read(start, n), y.as<R>() + start, n, p, q);
    }
  });
}

void runFloat(const Tensor& x, const Tensor& y, Loop<float, float> f, float p, float q, int64_t cost) {
  const BroadcastMap map(x.dims, x.dims);
  parallelFor(x.count, cost, [&](int64_t begin, int64_t end) {
    ChunkReader<float> read(x, map);
    ChunkWriter write(y);
    for (int64_t start = begin; start < end; start += kChunk) {
      const int64_t n = std::min(kChunk, end - start);
      f(read.read(start, n), write.begin(start), n, p, q);
      write.end(start, n);
    }
  });
}

// x, then `attributes` reals -> a tensor of x's type.
void addUnary(Registry& registry, const char* name, int attributes, Loop<float, float> f, Loop<int32_t, int32_t> g,
              int64_t cost) {
  registry.add(name, [attributes, f, g, cost](Context&, Args& args, Results& results) {
    const Tensor x = args.tensor();
    const float p = attributes > 0 ? static_cast<float>(args.real()) : 0;
    const float q = attributes > 1 ? static_cast<float>(args.real()) : 0;
    if (isFloat(x.phys)) {
      runFloat(x, results.make(x.dims, x.phys), f, p, q, cost);
    } else if (g != nullptr && x.phys == Phys::I32) {
      runPlain<int32_t, int32_t>(x, results.make(x.dims, Phys::I32), g, p, q);
    } else {
      fail(std::string("an operand of type ") + nameOf(x.phys) + " is not supported");
    }
  });
}

void addTest(Registry& registry, const char* name, Loop<float, uint8_t> f) {
  registry.add(name, [f](Context&, Args& args, Results& results) {
    const Tensor x = args.tensor();
    runPlain<float, uint8_t>(x, results.make(x.dims, Phys::U8), f, 0, 0);
  });
}

// x, phys -> the values converted. Floats become integers by truncation and bool by comparing with zero.
void cast(Context&, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Phys to = physArgument(args);
  const Tensor y = results.make(x.dims, to);
  parallelFor(x.count, 1, [&](int64_t begin, int64_t end) {
    float buffer[kChunk];
    for (int64_t start = begin; start < end; start += kChunk) {
      const int64_t n = std::min(kChunk, end - start);
      switch (to) {
        case Phys::F32:
          convertRun<float>(x, start, n, y.f32() + start);
          break;
        case Phys::BF16:
          convertRun<float>(x, start, n, buffer);
          narrow(buffer, y.b16() + start, n);
          break;
        case Phys::I32:
          convertRun<int32_t>(x, start, n, y.i32() + start);
          break;
        case Phys::U8:
          convertRun<uint8_t>(x, start, n, y.u8() + start);
          break;
      }
    }
  });
}

}  // namespace

void registerUnary(Registry& r) {
#define UC_UNARY(NAME, ATTRIBUTES, COST, FLOAT, WHOLE) addUnary(r, #NAME, ATTRIBUTES, UC_F(FLOAT), UC_I(WHOLE), COST);
#define UC_UNARY_FLOAT(NAME, ATTRIBUTES, COST, FLOAT) addUnary(r, #NAME, ATTRIBUTES, UC_F(FLOAT), nullptr, COST);
#define UC_FLOAT_TEST(NAME, TEST) addTest(r, #NAME, UC_TEST(TEST));
#include "../formulas/unary.inc"
  r.add("LogicalNot", [](Context&, Args& args, Results& results) {
    const Tensor x = args.tensor();
    runPlain<uint8_t, uint8_t>(x, results.make(x.dims, Phys::U8),
                               loopOf<uint8_t, uint8_t>([](uint8_t v, float, float) -> uint8_t { return v == 0; }), 0, 0);
  });
  r.add("Cast", cast);
}

}  // namespace uc

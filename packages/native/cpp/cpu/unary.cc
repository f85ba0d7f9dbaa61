// Unary elementwise kernels and casts. Memory bound except for the transcendental functions.
#include <cmath>

#include "../runtime/parallel.h"
#include "broadcast.h"
#include "fast_math.h"
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
              int64_t cost = 1) {
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

// 0 for NaN, as tfjs-core wants it.
float sign(float x) { return static_cast<float>((x > 0) - (x < 0)); }

constexpr float kSeluAlpha = 1.7580993408473768599402175208123f;
constexpr float kSeluScale = 1.0507009873554804934193349852946f;

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
  addUnary(r, "Neg", 0, UC_F(-x), UC_I(static_cast<int32_t>(0u - static_cast<uint32_t>(x))));
  addUnary(r, "Abs", 0, UC_F(std::fabs(x)), UC_I(x < 0 ? static_cast<int32_t>(0u - static_cast<uint32_t>(x)) : x));
  addUnary(r, "Square", 0, UC_F(x * x), UC_I(static_cast<int32_t>(static_cast<uint32_t>(x) * static_cast<uint32_t>(x))));
  addUnary(r, "Sign", 0, UC_F(sign(x)), UC_I((x > 0) - (x < 0)));
  addUnary(r, "Relu", 0, UC_F(x < 0 ? 0 : x), UC_I(x < 0 ? 0 : x));
  addUnary(r, "Relu6", 0, UC_F(x < 0 ? 0 : x > 6 ? 6 : x), UC_I(x < 0 ? 0 : x > 6 ? 6 : x));
  addUnary(r, "ClipByValue", 2, UC_F(x < p ? p : x > q ? q : x),
           UC_I(static_cast<int32_t>(x < p ? p : x > q ? q : static_cast<float>(x))));
  addUnary(r, "Step", 1, UC_F(x != x ? x : x > 0 ? 1.0f : p), nullptr);
  addUnary(r, "LeakyRelu", 1, UC_F(x < 0 ? p * x : x), nullptr);
  addUnary(r, "Floor", 0, UC_F(std::floor(x)), UC_I(x));
  addUnary(r, "Ceil", 0, UC_F(std::ceil(x)), UC_I(x));
  addUnary(r, "Round", 0, UC_F(std::nearbyint(x)), UC_I(x));
  addUnary(r, "Reciprocal", 0, UC_F(1.0f / x), nullptr);
  addUnary(r, "Sqrt", 0, UC_F(std::sqrt(x)), nullptr, 2);
  addUnary(r, "Rsqrt", 0, UC_F(1.0f / std::sqrt(x)), nullptr, 2);
  addUnary(r, "Exp", 0, UC_F(fastExp(x)), nullptr, 4);
  addUnary(r, "Expm1", 0, UC_F(std::expm1(x)), nullptr, 16);
  addUnary(r, "Log", 0, UC_F(fastLog(x)), nullptr, 4);
  addUnary(r, "Log1p", 0, UC_F(std::log1p(x)), nullptr, 16);
  addUnary(r, "Sigmoid", 0, UC_F(fastSigmoid(x)), nullptr, 4);
  addUnary(r, "Tanh", 0, UC_F(fastTanh(x)), nullptr, 8);
  addUnary(r, "Elu", 0, UC_F(x >= 0 ? x : std::expm1(x)), nullptr, 16);
  addUnary(r, "Selu", 0, UC_F(x >= 0 ? kSeluScale * x : kSeluAlpha * std::expm1(x)), nullptr, 16);
  addUnary(r, "Softplus", 0, UC_F((x > 0 ? x : 0) + std::log1p(fastExp(-std::fabs(x)))), nullptr, 16);
  addUnary(r, "Erf", 0, UC_F(std::erf(x)), nullptr, 16);
  addUnary(r, "Sin", 0, UC_F(std::sin(x)), nullptr, 16);
  addUnary(r, "Cos", 0, UC_F(std::cos(x)), nullptr, 16);
  addUnary(r, "Tan", 0, UC_F(static_cast<float>(std::tan(static_cast<double>(x)))), nullptr, 16);
  addUnary(r, "Asin", 0, UC_F(std::asin(x)), nullptr, 16);
  addUnary(r, "Acos", 0, UC_F(std::acos(x)), nullptr, 16);
  addUnary(r, "Atan", 0, UC_F(std::atan(x)), nullptr, 16);
  addUnary(r, "Sinh", 0, UC_F(std::sinh(x)), nullptr, 16);
  addUnary(r, "Cosh", 0, UC_F(std::cosh(x)), nullptr, 16);
  addUnary(r, "Asinh", 0, UC_F(std::asinh(x)), nullptr, 16);
  addUnary(r, "Acosh", 0, UC_F(std::acosh(x)), nullptr, 16);
  addUnary(r, "Atanh", 0, UC_F(std::atanh(x)), nullptr, 16);
  addTest(r, "IsNan", UC_TEST(x != x));
  addTest(r, "IsInf", UC_TEST(std::fabs(x) > 3.402823466e38f));
  addTest(r, "IsFinite", UC_TEST(std::fabs(x) <= 3.402823466e38f));
  r.add("LogicalNot", [](Context&, Args& args, Results& results) {
    const Tensor x = args.tensor();
    runPlain<uint8_t, uint8_t>(x, results.make(x.dims, Phys::U8),
                               loopOf<uint8_t, uint8_t>([](uint8_t v, float, float) -> uint8_t { return v == 0; }), 0, 0);
  });
  r.add("Cast", cast);
}

}  // namespace uc

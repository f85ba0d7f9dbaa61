// Unary elementwise kernels and casts, any shape. Memory bound except for the transcendental functions: each value is read and
// written once, in its physical type.
#include "../formulas/elementwise.h"
#include "../cpu/register.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

#define UC_UNARY_FLOAT(NAME, ATTRIBUTES, COST, FLOAT)                                                            \
  struct NAME##OfFloat {                                                                                         \
    UC_HD float operator()(float x, [[maybe_unused]] float p, [[maybe_unused]] float q) const { return FLOAT; } \
  };
#define UC_UNARY(NAME, ATTRIBUTES, COST, FLOAT, WHOLE)                                                               \
  UC_UNARY_FLOAT(NAME, ATTRIBUTES, COST, FLOAT)                                                                      \
  struct NAME##OfWhole {                                                                                             \
    UC_HD int32_t operator()(int32_t x, [[maybe_unused]] float p, [[maybe_unused]] float q) const { return WHOLE; } \
  };
#define UC_FLOAT_TEST(NAME, TEST)                             \
  struct NAME##OfFloat {                                      \
    UC_HD uint8_t operator()(float x) const { return TEST; } \
  };
#include "../formulas/unary.inc"
#undef UC_UNARY
#undef UC_UNARY_FLOAT
#undef UC_FLOAT_TEST

struct None {};

template <class F>
struct WithAttributes {
  F f;
  float p, q;
  UC_HD float operator()(float x) const { return f(x, p, q); }
};

template <class F>
void mapFloats(Context& context, const Tensor& x, const Tensor& y, F f, float p, float q) {
  mapOne(context, y.count, Floats(x), Floats(y), WithAttributes<F>{f, p, q});
}

template <class G>
void mapWhole(Context& context, const Tensor& x, const Tensor& y, G g, float p, float q) {
  const Operand<int32_t> in(x);
  int32_t* out = y.i32();
  forEach(context, y.count, [=] __device__(int64_t i) { out[i] = g(in[i], p, q); });
}

// x, then `attributes` reals -> a tensor of x's type.
template <class F, class G>
void addUnary(Registry& registry, const char* name, int attributes) {
  registry.addCuda(name, [attributes](Context& context, Args& args, Results& results) {
    const Tensor x = args.tensor();
    const float p = attributes > 0 ? static_cast<float>(args.real()) : 0;
    const float q = attributes > 1 ? static_cast<float>(args.real()) : 0;
    if (isFloat(x.phys)) return mapFloats(context, x, results.make(x.dims, x.phys), F{}, p, q);
    if constexpr (!std::is_same_v<G, None>) {
      if (x.phys == Phys::I32) return mapWhole(context, x, results.make(x.dims, Phys::I32), G{}, p, q);
    }
    fail(std::string("an operand of type ") + nameOf(x.phys) + " is not supported");
  });
}

template <class F>
void mapTest(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Operand<float> in(x);
  uint8_t* out = results.make(x.dims, Phys::U8).u8();
  const F f;
  forEach(context, x.count, [=] __device__(int64_t i) { out[i] = f(in[i]); });
}

void logicalNot(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Operand<uint8_t> in(x);
  uint8_t* out = results.make(x.dims, Phys::U8).u8();
  forEach(context, x.count, [=] __device__(int64_t i) { out[i] = in[i] == 0; });
}

template <class T>
void castTo(Context& context, const Tensor& x, const Tensor& y) {
  const Operand<T> in(x);
  T* out = y.as<T>();
  forEach(context, x.count, [=] __device__(int64_t i) { out[i] = in[i]; });
}

// x, phys -> the values converted. Floats become integers by truncation and bool by comparing with zero.
void cast(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const Tensor y = results.make(x.dims, physArgument(args));
  if (y.phys == Phys::I32) return castTo<int32_t>(context, x, y);
  if (y.phys == Phys::U8) return castTo<uint8_t>(context, x, y);
  const Operand<float> in(x);
  const Floats out(y);
  forEach(context, x.count, [=] __device__(int64_t i) { out.put(i, in[i]); });
}

}  // namespace

void registerCudaUnary(Registry& r) {
#define UC_UNARY(NAME, ATTRIBUTES, COST, FLOAT, WHOLE) addUnary<NAME##OfFloat, NAME##OfWhole>(r, #NAME, ATTRIBUTES);
#define UC_UNARY_FLOAT(NAME, ATTRIBUTES, COST, FLOAT) addUnary<NAME##OfFloat, None>(r, #NAME, ATTRIBUTES);
#define UC_FLOAT_TEST(NAME, TEST) r.addCuda(#NAME, mapTest<NAME##OfFloat>);
#include "../formulas/unary.inc"
  r.addCuda("LogicalNot", logicalNot);
  r.addCuda("Cast", cast);
}

}  // namespace uc

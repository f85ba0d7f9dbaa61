// Binary elementwise kernels with NumPy broadcasting: arithmetic on float32 and int32, comparisons, logic.
//
// Memory bound: both operands are read and the output written once; the index arithmetic of broadcasting is hidden behind it.
#include "../formulas/elementwise.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

#define UC_BINARY_FLOAT(NAME, COST, FLOAT)                               \
  struct NAME##OfFloat {                                                 \
    UC_HD float operator()(float x, float y) const { return FLOAT; } \
  };
#define UC_BINARY(NAME, COST, FLOAT, WHOLE)                                    \
  UC_BINARY_FLOAT(NAME, COST, FLOAT)                                           \
  struct NAME##OfWhole {                                                       \
    UC_HD int32_t operator()(int32_t x, int32_t y) const { return WHOLE; } \
  };
#include "../formulas/binary.inc"
#undef UC_BINARY
#undef UC_BINARY_FLOAT

struct None {};

// Immediate scalars do not take part in type promotion.
Phys floatResult(const Tensor& a, const Tensor& b) {
  if (a.immediate() != b.immediate()) return a.immediate() ? b.phys : a.phys;
  return promote(a.phys, b.phys);
}

template <class F>
void floats(Context& context, const Tensor& a, const Tensor& b, const Tensor& y, F f) {
  const Floats x(a), z(b), out(y);
  const BroadcastIndex atX(a.dims, y.dims), atZ(b.dims, y.dims);
  const bool dense = (atX.dense() || a.immediate()) && (atZ.dense() || b.immediate());
  if (dense) return mapTwo(context, y.count, x, z, out, f);
  forEach(context, y.count, [=] __device__(int64_t i) { out.put(i, f(x[atX(i)], z[atZ(i)])); });
}

// Operands are read as T, whatever they are stored as; the result is of type R.
template <class T, class R, class F>
void plain(Context& context, const Tensor& a, const Tensor& b, const Tensor& y, F f) {
  const Operand<T> x(a), z(b);
  const BroadcastIndex atX(a.dims, y.dims), atZ(b.dims, y.dims);
  R* out = y.as<R>();
  forEach(context, y.count, [=] __device__(int64_t i) { out[i] = f(x[atX(i)], z[atZ(i)]); });
}

// float32 op float32 -> float32; int32 op int32 -> int32.
template <class F, class G>
void arithmetic(Context& context, Args& args, Results& results) {
  const Tensor a = args.tensor();
  const Tensor b = args.tensor();
  const Dims shape = broadcastShapes(a.dims, b.dims);
  if (isFloat(a.phys) && isFloat(b.phys)) {
    return floats(context, a, b, results.make(shape, floatResult(a, b)), F{});
  }
  if constexpr (!std::is_same_v<G, None>) {
    if (a.phys == Phys::I32 && b.phys == Phys::I32) {
      return plain<int32_t, int32_t>(context, a, b, results.make(shape, Phys::I32), G{});
    }
  }
  fail("operands of types " + std::string(nameOf(a.phys)) + " and " + nameOf(b.phys) + " are not supported");
}

#define UC_COMPARE(NAME, OP)                  \
  struct NAME {                               \
    template <class T>                        \
    UC_HD uint8_t operator()(T x, T y) const { \
      return x OP y;                          \
    }                                         \
  };
UC_COMPARE(Equal, ==)
UC_COMPARE(NotEqual, !=)
UC_COMPARE(Greater, >)
UC_COMPARE(GreaterEqual, >=)
UC_COMPARE(Less, <)
UC_COMPARE(LessEqual, <=)
UC_COMPARE(And, &)
UC_COMPARE(Or, |)
#undef UC_COMPARE

// float32, int32 or bool operands -> bool.
template <class F>
void comparison(Context& context, Args& args, Results& results) {
  const Tensor a = args.tensor();
  const Tensor b = args.tensor();
  const Tensor y = results.make(broadcastShapes(a.dims, b.dims), Phys::U8);
  if (isFloat(a.phys) || isFloat(b.phys)) return plain<float, uint8_t>(context, a, b, y, F{});
  plain<int32_t, uint8_t>(context, a, b, y, F{});
}

template <class F>
void logical(Context& context, Args& args, Results& results) {
  const Tensor a = args.tensor();
  const Tensor b = args.tensor();
  plain<uint8_t, uint8_t>(context, a, b, results.make(broadcastShapes(a.dims, b.dims), Phys::U8), F{});
}

}  // namespace

void registerCudaBinary(Registry& r) {
#define UC_BINARY(NAME, COST, FLOAT, WHOLE) r.addCuda(#NAME, arithmetic<NAME##OfFloat, NAME##OfWhole>);
#define UC_BINARY_FLOAT(NAME, COST, FLOAT) r.addCuda(#NAME, arithmetic<NAME##OfFloat, None>);
#include "../formulas/binary.inc"
  r.addCuda("Equal", comparison<Equal>);
  r.addCuda("NotEqual", comparison<NotEqual>);
  r.addCuda("Greater", comparison<Greater>);
  r.addCuda("GreaterEqual", comparison<GreaterEqual>);
  r.addCuda("Less", comparison<Less>);
  r.addCuda("LessEqual", comparison<LessEqual>);
  r.addCuda("LogicalAnd", logical<And>);
  r.addCuda("LogicalOr", logical<Or>);
}

}  // namespace uc

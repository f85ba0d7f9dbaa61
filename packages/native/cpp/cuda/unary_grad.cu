// Gradients of unary functions in one pass: dy and the saved tensor in, dx out. Memory bound: two reads, one write.
#include "../formulas/elementwise.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

#define UC_UNARY_GRAD(NAME, COST, VALUE)                                                              \
  struct NAME##Formula {                                                                              \
    UC_HD float operator()(float dy, float s, [[maybe_unused]] float p, [[maybe_unused]] float q) const { \
      return VALUE;                                                                                   \
    }                                                                                                 \
  };
#include "../formulas/unary_grad.inc"
#undef UC_UNARY_GRAD

template <class F>
struct WithAttributes {
  F f;
  float p, q;
  UC_HD float operator()(float dy, float s) const { return f(dy, s, p, q); }
};

// dy, saved (same shape), two reals -> dx in the promoted type.
template <class F>
void unaryGrad(Context& context, Args& args, Results& results) {
  const Tensor dy = args.floatTensor();
  const Tensor saved = args.floatTensor();
  const float p = static_cast<float>(args.real());
  const float q = static_cast<float>(args.real());
  if (dy.dims != saved.dims) fail("the gradient and the saved tensor differ in shape");
  const Floats dx(results.make(dy.dims, promote(dy.phys, saved.phys)));
  mapTwo(context, dy.count, Floats(dy), Floats(saved), dx, WithAttributes<F>{F{}, p, q});
}

}  // namespace

void registerCudaUnaryGrad(Registry& r) {
#define UC_UNARY_GRAD(NAME, COST, VALUE) r.addCuda(#NAME, unaryGrad<NAME##Formula>);
#include "../formulas/unary_grad.inc"
}

}  // namespace uc

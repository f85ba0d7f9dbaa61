// SiLU, tanh-GELU and SwiGLU with their gradients. Memory bound: each value is read and written once.
#include "../formulas/activations.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

#define UC_FORMULA(NAME, FUNCTION)                                 \
  struct NAME {                                                    \
    UC_HD float operator()(float x) const { return FUNCTION(x); } \
  };
UC_FORMULA(SiluFormula, silu)
UC_FORMULA(SiluSlope, siluSlope)
UC_FORMULA(GeluFormula, gelu)
UC_FORMULA(GeluSlope, geluSlope)
#undef UC_FORMULA

template <class F>
struct TimesSlope {
  UC_HD float operator()(float x, float dy) const { return dy * F{}(x); }
};
struct SwigluFormula {
  UC_HD float operator()(float gate, float up) const { return silu(gate) * up; }
};

// x; bf16 output -> f(x)
template <class F>
void forward(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  mapOne(context, x.count, Floats(x), Floats(results.make(x.dims, args.flag() ? Phys::BF16 : x.phys)), F{});
}

// x, dy -> dy f'(x), of the type of x
template <class F>
void backward(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const Tensor dy = args.floatTensor();
  if (x.dims != dy.dims) fail("x and dy differ in shape");
  mapTwo(context, x.count, Floats(x), Floats(dy), Floats(results.make(x.dims, x.phys)), TimesSlope<F>{});
}

// gate, up; bf16 output -> silu(gate) * up
void swiglu(Context& context, Args& args, Results& results) {
  const Tensor gate = args.floatTensor();
  const Tensor up = args.floatTensor();
  const Phys phys = args.flag() ? Phys::BF16 : promote(gate.phys, up.phys);
  if (gate.dims != up.dims) fail("gate and up differ in shape");
  mapTwo(context, gate.count, Floats(gate), Floats(up), Floats(results.make(gate.dims, phys)), SwigluFormula{});
}

// gate, up, dy -> dGate, dUp
void swigluGrad(Context& context, Args& args, Results& results) {
  const Tensor gate = args.floatTensor();
  const Tensor up = args.floatTensor();
  const Tensor dy = args.floatTensor();
  if (gate.dims != up.dims || gate.dims != dy.dims) fail("gate, up and dy differ in shape");
  const Floats g(gate), u(up), d(dy);
  const Floats dGate(results.make(gate.dims, gate.phys)), dUp(results.make(up.dims, up.phys));
  forEach(context, gate.count, [=] __device__(int64_t i) {
    const float own = g[i], upstream = d[i];
    dGate.put(i, upstream * u[i] * siluSlope(own));
    dUp.put(i, upstream * silu(own));
  });
}

}  // namespace

void registerCudaActivations(Registry& r) {
  r.addCuda("Silu", forward<SiluFormula>);
  r.addCuda("SiluGrad", backward<SiluSlope>);
  r.addCuda("GeluTanh", forward<GeluFormula>);
  r.addCuda("GeluTanhGrad", backward<GeluSlope>);
  r.addCuda("Swiglu", swiglu);
  r.addCuda("SwigluGrad", swigluGrad);
}

}  // namespace uc

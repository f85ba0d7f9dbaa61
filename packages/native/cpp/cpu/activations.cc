// SiLU, tanh-GELU and SwiGLU with their gradients.
//
// Memory bound: each value is read and written once (SwiGLU backward: 3 reads, 2 writes). About 25 flops per element, in f32
// registers. Shapes are free; inputs may be f32 or bf16, outputs take the type that the caller asks for.
#include <type_traits>

#include "../formulas/activations.h"
#include "../runtime/parallel.h"
#include "fused.h"
#include "streaming.h"

namespace uc {

namespace {

Lanes silu(Lanes x) { return x * sigmoid(x); }
Lanes siluSlope(Lanes x) { return siluSlopeAt(x, sigmoid(x)); }
Lanes gelu(Lanes x) { return x * sigmoid(geluGate(x)); }
Lanes geluSlope(Lanes x) { return geluSlopeAt(x, sigmoid(geluGate(x))); }

// out[i] = f(a[i])
template <class F>
void mapOne(const Tensor& a, const Tensor& out, const F& f) {
  withFloats(a.phys, [&](auto* x) {
    withOutput(out, kLanes, [&](auto y) {
      x = a.as<std::remove_pointer_t<decltype(x)>>();
      parallelFor(out.count, 8, [=](int64_t begin, int64_t end) {
        eachVector(begin, end, [=](int64_t, const auto& load, const auto& store) { store(y, f(load(x))); });
      }, kLanes);
    });
  });
}

// out[i] = f(a[i], b[i])
template <class F>
void mapTwo(const Tensor& a, const Tensor& b, const Tensor& out, const F& f) {
  withFloats(a.phys, [&](auto* x) {
    withFloats(b.phys, [&](auto* z) {
      withOutput(out, kLanes, [&](auto y) {
        x = a.as<std::remove_pointer_t<decltype(x)>>();
        z = b.as<std::remove_pointer_t<decltype(z)>>();
        parallelFor(out.count, 8, [=](int64_t begin, int64_t end) {
          eachVector(begin, end, [=](int64_t, const auto& load, const auto& store) { store(y, f(load(x), load(z))); });
        }, kLanes);
      });
    });
  });
}

void swigluGrad(const Tensor& gate, const Tensor& up, const Tensor& dy, const Tensor& dGate, const Tensor& dUp) {
  withOutput(dGate, kLanes, [&](auto toGate) {
    withOutput(dUp, kLanes, [&](auto toUp) {
      withFloats(dy.phys, [&](auto* d) {
        const auto* g = gate.as<ElementOf<decltype(toGate)>>();
        const auto* u = up.as<ElementOf<decltype(toUp)>>();
        d = dy.as<std::remove_pointer_t<decltype(d)>>();
        parallelFor(gate.count, 12, [=](int64_t begin, int64_t end) {
          eachVector(begin, end, [=](int64_t, const auto& load, const auto& store) {
            const Lanes x = load(g), upstream = load(d), open = sigmoid(x);
            store(toGate, upstream * load(u) * siluSlopeAt(x, open));
            store(toUp, upstream * x * open);
          });
        }, kLanes);
      });
    });
  });
}

// x -> f(x); attributes: bf16 output
template <class F>
void addForward(Registry& registry, const char* name, F f) {
  registry.add(name, [f](Context&, Args& args, Results& results) {
    const Tensor x = args.floatTensor();
    const Phys phys = args.flag() ? Phys::BF16 : x.phys;
    mapOne(x, results.make(x.dims, phys), f);
  });
}

// x, dy -> dy f'(x), of the type of x
template <class F>
void addBackward(Registry& registry, const char* name, F slope) {
  registry.add(name, [slope](Context&, Args& args, Results& results) {
    const Tensor x = args.floatTensor();
    const Tensor dy = args.floatTensor();
    if (x.dims != dy.dims) fail("x and dy differ in shape");
    mapTwo(x, dy, results.make(x.dims, x.phys), [slope](Lanes v, Lanes d) { return d * slope(v); });
  });
}

}  // namespace

void registerActivations(Registry& registry) {
  addForward(registry, "Silu", [](Lanes x) { return silu(x); });
  addBackward(registry, "SiluGrad", [](Lanes x) { return siluSlope(x); });
  addForward(registry, "GeluTanh", [](Lanes x) { return gelu(x); });
  addBackward(registry, "GeluTanhGrad", [](Lanes x) { return geluSlope(x); });

  // gate, up; bf16 output -> silu(gate) * up
  registry.add("Swiglu", [](Context&, Args& args, Results& results) {
    const Tensor gate = args.floatTensor();
    const Tensor up = args.floatTensor();
    const Phys phys = args.flag() ? Phys::BF16 : promote(gate.phys, up.phys);
    if (gate.dims != up.dims) fail("gate and up differ in shape");
    mapTwo(gate, up, results.make(gate.dims, phys), [](Lanes g, Lanes u) { return silu(g) * u; });
  });

  // gate, up, dy -> dGate, dUp
  registry.add("SwigluGrad", [](Context&, Args& args, Results& results) {
    const Tensor gate = args.floatTensor();
    const Tensor up = args.floatTensor();
    const Tensor dy = args.floatTensor();
    if (gate.dims != up.dims || gate.dims != dy.dims) fail("gate, up and dy differ in shape");
    const Tensor dGate = results.make(gate.dims, gate.phys);
    const Tensor dUp = results.make(up.dims, up.phys);
    swigluGrad(gate, up, dy, dGate, dUp);
  });
}

}  // namespace uc

// SiLU, tanh-GELU and SwiGLU with their gradients.
//
// Memory bound: each value is read and written once (SwiGLU backward: 3 reads, 2 writes). About 25 flops per element.
// Shapes are free; inputs may be f32 or bf16, outputs take the type that the caller asks for.
#include "../formulas/activations.h"
#include "../runtime/parallel.h"
#include "fused.h"
#include "rows.h"

namespace uc {

namespace {

constexpr int64_t kBlock = 1024;
// out[i] = f(a[i]) in blocks that stay in cache.
template <class F>
void mapOne(const Tensor& a, const Tensor& out, const F& f) {
  parallelFor(out.count, 8, [&](int64_t begin, int64_t end) {
    float bufferA[kBlock], bufferOut[kBlock];
    for (int64_t at = begin; at < end; at += kBlock) {
      const int64_t n = std::min(kBlock, end - at);
      const float* x = readRow(a, at, n, bufferA);
      float* y = rowTarget(out, at, bufferOut);
#pragma omp simd
      for (int64_t i = 0; i < n; ++i) y[i] = f(x[i]);
      writeRow(out, at, n, y);
    }
  });
}

template <class F>
void mapTwo(const Tensor& a, const Tensor& b, const Tensor& out, const F& f) {
  parallelFor(out.count, 8, [&](int64_t begin, int64_t end) {
    float bufferA[kBlock], bufferB[kBlock], bufferOut[kBlock];
    for (int64_t at = begin; at < end; at += kBlock) {
      const int64_t n = std::min(kBlock, end - at);
      const float* x = readRow(a, at, n, bufferA);
      const float* z = readRow(b, at, n, bufferB);
      float* y = rowTarget(out, at, bufferOut);
#pragma omp simd
      for (int64_t i = 0; i < n; ++i) y[i] = f(x[i], z[i]);
      writeRow(out, at, n, y);
    }
  });
}

void swigluGrad(const Tensor& gate, const Tensor& up, const Tensor& dy, const Tensor& dGate, const Tensor& dUp) {
  parallelFor(gate.count, 12, [&](int64_t begin, int64_t end) {
    float bufferGate[kBlock], bufferUp[kBlock], bufferDy[kBlock], bufferDGate[kBlock], bufferDUp[kBlock];
    for (int64_t at = begin; at < end; at += kBlock) {
      const int64_t n = std::min(kBlock, end - at);
      const float* g = readRow(gate, at, n, bufferGate);
      const float* u = readRow(up, at, n, bufferUp);
      const float* d = readRow(dy, at, n, bufferDy);
      float* dg = rowTarget(dGate, at, bufferDGate);
      float* du = rowTarget(dUp, at, bufferDUp);
#pragma omp simd
      for (int64_t i = 0; i < n; ++i) {
        const float s = sigmoid(g[i]);
        dg[i] = d[i] * u[i] * s * (1.0f + g[i] * (1.0f - s));
        du[i] = d[i] * g[i] * s;
      }
      writeRow(dGate, at, n, dg);
      writeRow(dUp, at, n, du);
    }
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
    mapTwo(x, dy, results.make(x.dims, x.phys), [slope](float v, float d) { return d * slope(v); });
  });
}

}  // namespace

void registerActivations(Registry& registry) {
  addForward(registry, "Silu", [](float x) { return silu(x); });
  addBackward(registry, "SiluGrad", [](float x) { return siluSlope(x); });
  addForward(registry, "GeluTanh", [](float x) { return gelu(x); });
  addBackward(registry, "GeluTanhGrad", [](float x) { return geluSlope(x); });

  // gate, up; bf16 output -> silu(gate) * up
  registry.add("Swiglu", [](Context&, Args& args, Results& results) {
    const Tensor gate = args.floatTensor();
    const Tensor up = args.floatTensor();
    const Phys phys = args.flag() ? Phys::BF16 : promote(gate.phys, up.phys);
    if (gate.dims != up.dims) fail("gate and up differ in shape");
    mapTwo(gate, up, results.make(gate.dims, phys), [](float g, float u) { return silu(g) * u; });
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

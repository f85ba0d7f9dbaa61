// Gradients of unary functions in one pass: dy and the saved tensor in, dx out. The formulas are in formulas/unary_grad.inc.
#include <cmath>

#include "../formulas/elementwise.h"
#include "../runtime/parallel.h"
#include "broadcast.h"
#include "register.h"

namespace uc {

namespace {

using Loop = void (*)(const float* __restrict dy, const float* __restrict s, float* __restrict dx, int64_t n, float p,
                      float q);

template <class F>
void loop(const float* __restrict dy, const float* __restrict s, float* __restrict dx, int64_t n, float p, float q) {
  const F f;
  for (int64_t i = 0; i < n; ++i) dx[i] = f(dy[i], s[i], p, q);
}

template <class F>
constexpr Loop loopOf(F) {
  return &loop<F>;
}

// dy, saved (same shape), two reals -> dx in the promoted type.
void addGrad(Registry& registry, const char* name, Loop f, int64_t cost) {
  registry.add(name, [f, cost](Context&, Args& args, Results& results) {
    const Tensor dy = args.floatTensor();
    const Tensor saved = args.floatTensor();
    const float p = static_cast<float>(args.real());
    const float q = static_cast<float>(args.real());
    if (dy.dims != saved.dims) fail("the gradient and the saved tensor differ in shape");
    const Tensor dx = results.make(dy.dims, promote(dy.phys, saved.phys));
    const BroadcastMap map(dy.dims, dy.dims);
    parallelFor(dx.count, cost, [&](int64_t begin, int64_t end) {
      ChunkReader<float> readDy(dy, map);
      ChunkReader<float> readSaved(saved, map);
      ChunkWriter write(dx);
      for (int64_t start = begin; start < end; start += kChunk) {
        const int64_t n = std::min(kChunk, end - start);
        f(readDy.read(start, n), readSaved.read(start, n), write.begin(start), n, p, q);
        write.end(start, n);
      }
    });
  });
}

#define UC_G(EXPR)                                                                                     \
  loopOf([](float dy, [[maybe_unused]] float s, [[maybe_unused]] float p, [[maybe_unused]] float q) -> float { \
    return EXPR;                                                                                       \
  })

}  // namespace

void registerUnaryGrad(Registry& r) {
#define UC_UNARY_GRAD(NAME, COST, VALUE) addGrad(r, #NAME, UC_G(VALUE), COST);
#include "../formulas/unary_grad.inc"
}

}  // namespace uc

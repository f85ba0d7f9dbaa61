// Gradients of unary functions in one pass: dy and the saved tensor in, dx out. The formula is beside each name;
// y is the saved output, x the saved input.
#include <cmath>

#include "../runtime/parallel.h"
#include "broadcast.h"
#include "fast_math.h"
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
void addGrad(Registry& registry, const char* name, Loop f, int64_t cost = 1) {
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
  addGrad(r, "SigmoidGrad", UC_G(dy * s * (1.0f - s)));                       // y
  addGrad(r, "TanhGrad", UC_G(dy * (1.0f - s * s)));                          // y
  addGrad(r, "ReluGrad", UC_G(s > 0 ? dy : 0.0f));                            // x
  addGrad(r, "Relu6Grad", UC_G(s > 0 && s <= 6 ? dy : 0.0f));                 // x
  addGrad(r, "LeakyReluGrad", UC_G(s > 0 ? dy : p * dy));                     // x, p = alpha
  addGrad(r, "EluGrad", UC_G(s >= 0 ? dy : dy * (s + 1.0f)));                 // y
  addGrad(r, "SquareGrad", UC_G(2.0f * dy * s));                              // x
  addGrad(r, "SqrtGrad", UC_G(dy * 0.5f / std::sqrt(s)), 2);                  // x
  addGrad(r, "RsqrtGrad", UC_G(-0.5f * dy / (s * std::sqrt(s))), 2);          // x
  addGrad(r, "ReciprocalGrad", UC_G(-dy / (s * s)));                          // x
  addGrad(r, "LogGrad", UC_G(dy / s));                                        // x
  addGrad(r, "Log1pGrad", UC_G(dy / (1.0f + s)));                             // x
  addGrad(r, "AbsGrad", UC_G(s > 0 ? dy : s < 0 ? -dy : 0.0f));               // x
  addGrad(r, "SoftplusGrad", UC_G(dy * fastSigmoid(s)), 4);                   // x
  addGrad(r, "ErfGrad", UC_G(dy * 1.12837916709551257f * fastExp(-s * s)), 4);  // x
  addGrad(r, "SinGrad", UC_G(dy * std::cos(s)), 16);                          // x
  addGrad(r, "CosGrad", UC_G(-dy * std::sin(s)), 16);                         // x
  addGrad(r, "ClipByValueGrad", UC_G(s >= p && s <= q ? dy : 0.0f));          // x, p = minimum, q = maximum
}

}  // namespace uc

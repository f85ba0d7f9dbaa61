// Rotary position embedding, half-split: y = [a cos - b sin | b cos + a sin]; the gradient is the rotation by the opposite angle.
//
// x [T, H, D], positions i32 [T]. Memory bound: x is read and y written once; one thread per pair of values.
#include "../cpu/vector_math.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

// x, positions; inverse, theta -> y
void rope(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const Tensor positions = args.intTensor();
  const float direction = args.flag() ? -1.0f : 1.0f;
  const double theta = args.real();
  if (x.dims.rank() != 3 || x.dims[2] % 2 != 0 || positions.count != x.dims[0]) {
    fail("x [T, H, D] with even D and positions [T] are needed");
  }
  const int64_t heads = x.dims[1], size = x.dims[2], half = size / 2;
  std::vector<float> frequencies(static_cast<size_t>(half));
  for (int64_t k = 0; k < half; ++k) {
    frequencies[k] = static_cast<float>(std::pow(theta, -2.0 * static_cast<double>(k) / static_cast<double>(size)));
  }
  const DeviceTable<float> table(context, frequencies.data(), half);
  const float* frequency = table.data();
  const int32_t* position = positions.i32();
  const Floats in(x), out(results.make(x.dims, x.phys));
  forEach(context, x.count / 2, [=] __device__(int64_t i) {
    const int64_t k = i % half, row = i / half;
    float sine, cosine;
    sinCos(static_cast<float>(position[row / heads]) * frequency[k], sine, cosine);
    sine *= direction;
    const float a = in[row * size + k], b = in[row * size + k + half];
    out.put(row * size + k, a * cosine - b * sine);
    out.put(row * size + k + half, b * cosine + a * sine);
  });
}

}  // namespace

void registerCudaRope(Registry& r) { r.addCuda("Rope", rope); }

}  // namespace uc

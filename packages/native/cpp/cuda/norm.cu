// RMSNorm and LayerNorm over the last dimension, forward and backward.
//
// x [rows, D], weight [D], bias [D]. Memory bound: forward reads x and writes y (8 bytes per f32 element), backward reads x and
// dy and writes dx (12 bytes), and once more x and dy for the gradients of the parameters. A block per row; rows come from the
// cache in later passes.
#include "column_sums.h"
#include "register.h"

namespace uc {

namespace {

struct Moments {
  float mean;
  float inverse;  // 1 / sqrt(variance + eps), or 1 / sqrt(mean square + eps)
};

// What the passes over a row share.
struct Rows {
  Floats x, weight, bias;
  int64_t size;
  float eps;
  bool centre;

  // Of a row, by all threads of a block.
  __device__ Moments moments(int64_t row) const {
    float mean = 0;
    if (centre) {
      for (int64_t i = threadIdx.x; i < size; i += kBlockThreads) mean += x[row * size + i];
      mean = blockSum(mean) / static_cast<float>(size);
    }
    float squares = 0;
    for (int64_t i = threadIdx.x; i < size; i += kBlockThreads) {
      const float d = x[row * size + i] - mean;
      squares += d * d;
    }
    return {mean, 1.0f / std::sqrt(blockSum(squares) / static_cast<float>(size) + eps)};
  }
};

struct Operands {
  Tensor x, weight, bias;
  int64_t rows, size;
  bool centre;

  Rows onDevice(float eps) const { return {Floats(x), Floats(weight), Floats(bias), size, eps, centre}; }
};

Operands readOperands(Args& args, bool centre) {
  Operands o;
  o.centre = centre;
  o.x = args.floatTensor();
  o.weight = args.floatTensor();
  if (centre) o.bias = args.floatTensor();
  o.size = o.x.dims.last();
  o.rows = o.size == 0 ? 0 : o.x.count / o.size;
  if (o.weight.count != o.size || (centre && o.bias.count != o.size)) fail("weight and bias do not fit the last dimension");
  return o;
}

// x, weight, (bias); bf16 output, eps -> y
template <bool centre>
void forward(Context& context, Args& args, Results& results) {
  const Operands o = readOperands(args, centre);
  const Phys phys = args.flag() ? Phys::BF16 : o.x.phys;
  const Rows r = o.onDevice(static_cast<float>(args.real()));
  const Floats y(results.make(o.x.dims, phys));
  forEachBlock(context, o.rows, [=] __device__(int64_t row) {
    const Moments m = r.moments(row);
    for (int64_t i = threadIdx.x; i < r.size; i += kBlockThreads) {
      const int64_t at = row * r.size + i;
      y.put(at, (r.x[at] - m.mean) * m.inverse * r.weight[i] + r.bias[i]);
    }
  });
}

// x, weight, residual; bf16 output, eps -> y, sum = x + residual. The sum is normalised as it is stored.
void forwardResidual(Context& context, Args& args, Results& results) {
  Operands o = readOperands(args, false);
  const Tensor residual = args.floatTensor();
  const Phys sumPhys = promote(o.x.phys, residual.phys), phys = args.flag() ? Phys::BF16 : sumPhys;
  const float eps = static_cast<float>(args.real());
  if (residual.dims != o.x.dims) fail("x and residual differ in shape");
  const Floats y(results.make(o.x.dims, phys)), x(o.x), addend(residual);
  o.x = results.make(o.x.dims, sumPhys);
  const Floats sum(o.x);
  forEach(context, residual.count, [=] __device__(int64_t i) { sum.put(i, x[i] + addend[i]); });
  const Rows r = o.onDevice(eps);
  forEachBlock(context, o.rows, [=] __device__(int64_t row) {
    const Moments m = r.moments(row);
    for (int64_t i = threadIdx.x; i < r.size; i += kBlockThreads) {
      const int64_t at = row * r.size + i;
      y.put(at, r.x[at] * m.inverse * r.weight[i]);
    }
  });
}

// With h = (x - mean) r and g = dy w:  dx = r (g - mean(g) - h mean(g h)), without mean(g) for RMSNorm. Keeps the moments.
void rowGradients(Context& context, const Rows& r, int64_t rows, const Floats& dy, const Floats& dx, Moments* moments) {
  forEachBlock(context, rows, [=] __device__(int64_t row) {
    const Moments m = r.moments(row);
    if (threadIdx.x == 0) moments[row] = m;
    float meanG = 0, meanGh = 0;
    for (int64_t i = threadIdx.x; i < r.size; i += kBlockThreads) {
      const float g = dy[row * r.size + i] * r.weight[i];
      meanG += g;
      meanGh += g * (r.x[row * r.size + i] - m.mean) * m.inverse;
    }
    meanG = r.centre ? blockSum(meanG) / static_cast<float>(r.size) : 0.0f;
    meanGh = blockSum(meanGh) / static_cast<float>(r.size);
    for (int64_t i = threadIdx.x; i < r.size; i += kBlockThreads) {
      const int64_t at = row * r.size + i;
      const float h = (r.x[at] - m.mean) * m.inverse;
      dx.put(at, m.inverse * (dy[at] * r.weight[i] - meanG - h * meanGh));
    }
  });
}

// dw = sum over rows of dy h, db = sum over rows of dy.
void parameterGradients(Context& context, const Rows& r, int64_t rows, const Floats& dy, const Moments* moments,
                        float* dWeight, float* dBias) {
  columnSums(context, rows, r.size, dWeight, [=] __device__(int64_t row, int64_t i) {
    const int64_t at = row * r.size + i;
    return dy[at] * (r.x[at] - moments[row].mean) * moments[row].inverse;
  });
  if (dBias == nullptr) return;
  columnSums(context, rows, r.size, dBias, [=] __device__(int64_t row, int64_t i) { return dy[row * r.size + i]; });
}

// x, weight, (bias), dy, (dSum, RMSNorm alone); eps -> dx, dWeight (and dBias). dSum is what reaches x beside the norm.
template <bool centre>
void backward(Context& context, Args& args, Results& results) {
  const Operands o = readOperands(args, centre);
  const Tensor dy = args.floatTensor();
  const Tensor extra = centre ? Tensor{} : args.optionalTensor();
  const Rows r = o.onDevice(static_cast<float>(args.real()));
  const bool fits = dy.dims == o.x.dims && (extra.data == nullptr || (extra.dims == o.x.dims && isFloat(extra.phys)));
  if (!fits) fail("x, dy and dSum of one shape are needed");
  const Floats dx(results.make(o.x.dims, o.x.phys));
  float* dWeight = results.make({o.size}, Phys::F32).f32();
  float* dBias = centre ? results.make({o.size}, Phys::F32).f32() : nullptr;
  const DeviceScratch<Moments> moments(context, std::max<int64_t>(o.rows, 1));
  rowGradients(context, r, o.rows, Floats(dy), dx, moments.data());
  parameterGradients(context, r, o.rows, Floats(dy), moments.data(), dWeight, dBias);
  if (extra.data == nullptr) return;
  const Floats more(extra);
  forEach(context, extra.count, [=] __device__(int64_t i) { dx.put(i, dx[i] + more[i]); });
}

}  // namespace

void registerCudaNorm(Registry& r) {
  r.addCuda("RmsNorm", forward<false>);
  r.addCuda("RmsNormGrad", backward<false>);
  r.addCuda("RmsNormResidual", forwardResidual);
  r.addCuda("LayerNorm", forward<true>);
  r.addCuda("LayerNormGrad", backward<true>);
}

}  // namespace uc

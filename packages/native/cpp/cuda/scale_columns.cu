// y = x diag(factor) + bias and the gradient of the factor; memory bound.
#include "column_sums.h"
#include "register.h"

namespace uc {

namespace {

void checkRow(const Tensor& row, int64_t width, const char* what) {
  if (!isFloat(row.phys) || row.count != width) {
    fail(std::string("a ") + what + " of " + std::to_string(width) + " values is needed, got " + row.dims.text());
  }
}

// x, factor, bias? -> y
void forward(Context& context, Args& args, Results& results) {
  const Tensor x = args.floatTensor();
  const Tensor factor = args.floatTensor();
  const Tensor bias = args.optionalTensor();
  const int64_t width = x.dims.last();
  checkRow(factor, width, "factor");
  if (bias.data != nullptr) checkRow(bias, width, "bias");
  const Tensor y = results.make(x.dims, x.phys);
  const Floats from(x), factors(factor), offsets(bias), to(y);
  forEach(context, y.count, [=] __device__(int64_t i) {
    const int64_t column = i % width;
    to.put(i, from[i] * factors[column] + offsets[column]);
  });
}

// dy, x -> dfactor [N], f32
void gradFactor(Context& context, Args& args, Results& results) {
  const Tensor dy = args.floatTensor();
  const Tensor x = args.floatTensor();
  if (dy.count != x.count || dy.dims.last() != x.dims.last()) fail("dy and x of one shape are needed");
  const int64_t width = x.dims.last(), rows = width == 0 ? 0 : x.count / width;
  const Floats upstream(dy), values(x);
  columnSums(context, rows, width, results.make({width}, Phys::F32).f32(),
             [=] __device__(int64_t row, int64_t i) { return upstream[row * width + i] * values[row * width + i]; });
}

}  // namespace

void registerCudaScaleColumns(Registry& r) {
  r.addCuda("ScaleColumns", forward);
  r.addCuda("ScaleColumnsGradFactor", gradFactor);
}

}  // namespace uc

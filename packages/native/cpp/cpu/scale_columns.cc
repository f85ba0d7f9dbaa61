// y = x diag(factor) + bias and the gradient of the factor.
//
// x [M, N] in f32 or bf16, factor and bias [N]. Memory bound: x is read and y written once, both in the type of x; the
// gradient of x is the same op without a bias.
#include <vector>

#include "column_sums.h"
#include "convert.h"
#include "fused.h"
#include "lanes.h"
#include "rows.h"

namespace uc {

namespace {

void checkRow(const Tensor& row, int64_t width, const char* what) {
  if (!isFloat(row.phys) || row.count != width) {
    fail(std::string("a ") + what + " of " + std::to_string(width) + " values is needed, got " + row.dims.text());
  }
}

// The values of a row as f32; zeros for an absent one.
std::vector<float> rowValues(const Tensor& row, int64_t width) {
  std::vector<float> values(static_cast<size_t>(width));
  if (row.data != nullptr) copyRow(row, 0, width, values.data());
  return values;
}

}  // namespace

void registerScaleColumns(Registry& registry) {
  // x, factor, bias? -> y
  registry.add("ScaleColumns", [](Context&, Args& args, Results& results) {
    const Tensor x = args.floatTensor();
    const Tensor factor = args.floatTensor();
    const Tensor bias = args.optionalTensor();
    const int64_t width = x.dims.last();
    checkRow(factor, width, "factor");
    if (bias.data != nullptr) checkRow(bias, width, "bias");
    const Tensor y = results.make(x.dims, x.phys);
    if (y.count == 0) return;
    const std::vector<float> factors = rowValues(factor, width), offsets = rowValues(bias, width);
    withFloats(x.phys, [&](auto* type) {
      using T = std::remove_pointer_t<decltype(type)>;
      parallelFor(x.dims.rows(), width, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
          const T* from = x.as<T>() + row * width;
          T* to = y.as<T>() + row * width;
          eachVector(0, width, [&](int64_t, const auto& load, const auto& store) {
            store(to, load(from) * load(factors.data()) + load(offsets.data()));
          });
        }
      });
    });
  });

  // dy, x -> dfactor [N], f32
  registry.add("ScaleColumnsGradFactor", [](Context& context, Args& args, Results& results) {
    const Tensor dy = args.floatTensor();
    const Tensor x = args.floatTensor();
    if (dy.count != x.count || dy.dims.last() != x.dims.last()) fail("dy and x of one shape are needed");
    const int64_t width = x.dims.last();
    const Tensor out = results.make({width}, Phys::F32);
    sumOverRows(context, x.dims.rows(), width, 2 * width, out.f32(), [&](int64_t begin, int64_t end, float* sums) {
      std::vector<float> buffer(2 * static_cast<size_t>(width));
      for (int64_t row = begin; row < end; ++row) {
        const float* d = readRow(dy, row * width, width, buffer.data());
        const float* v = readRow(x, row * width, width, buffer.data() + width);
        for (int64_t i = 0; i < width; ++i) sums[i] += d[i] * v[i];
      }
    });
  });
}

}  // namespace uc

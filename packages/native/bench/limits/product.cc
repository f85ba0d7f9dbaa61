// Matrix products: the matmul primitive and, for f32, dnnl_sgemm; the faster one counts.
#include "dnnl.h"
#include "dnnl_values.h"
#include "limits.h"
#include "measure.h"

namespace {

using dnnl::memory;

// A matrix of `rows` × `cols` as the product sees it, which lies transposed in memory when `transposed`.
Md matrix(int64_t rows, int64_t cols, memory::data_type type, bool transposed) {
  return Md({rows, cols}, type, transposed ? memory::dims{1, rows} : memory::dims{cols, 1});
}

}  // namespace

void product(const Words& words) {
  const auto type = typeOf(words[1]);
  const int64_t m = std::stoll(words[2]), k = std::stoll(words[3]), n = std::stoll(words[4]);
  const bool transposeA = words[5] == "T", transposeB = words[6] == "T";
  const double budget = std::stod(words[7]);
  const auto f32 = memory::data_type::f32;
  Device device;
  const Md aMd = matrix(m, k, type, transposeA), bMd = matrix(k, n, type, transposeB), yMd = matrix(m, n, type, false);
  memory a = device.filled(inputValues(m * k, 0), matrix(m, k, f32, transposeA), aMd);
  memory b = device.filled(inputValues(k * n, 1), matrix(k, n, f32, transposeB), bMd);
  memory y(yMd, device.engine);
  const dnnl::matmul primitive(dnnl::matmul::primitive_desc(dnnl::matmul::desc(aMd, bMd, yMd), device.engine));
  const auto once = [&] {
    primitive.execute(device.stream, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, y}});
    device.stream.wait();
  };
  Timing best = measure(once, budget);
  std::string note = "matmul primitive";
  if (type == f32) {
    const auto* aData = static_cast<const float*>(a.get_data_handle());
    const auto* bData = static_cast<const float*>(b.get_data_handle());
    auto* yData = static_cast<float*>(y.get_data_handle());
    const Timing sgemm = measure(
        [&] {
          dnnl_sgemm(transposeA ? 'T' : 'N', transposeB ? 'T' : 'N', m, n, k, 1.0f, aData, transposeA ? m : k, bData,
                     transposeB ? k : n, 0.0f, yData, n);
        },
        budget);
    if (sgemm.median < best.median) best = sgemm, note = "dnnl_sgemm";
  }
  report(best, device.values(y, matrix(m, n, f32, false)), note);
}

// libraryGemm() on oneDNN's matmul primitive. Compute bound: 2 m n k flops per product.
#include <optional>

#include "convert.h"
#include "empty_product.h"
#include "gemm_library.h"
#include "onednn.h"

namespace uc {

namespace {

struct MatMulPrimitives {
  PrimitiveCache<dnnl::matmul> cache;
};

using Md = dnnl::memory::desc;

Md describe(const Matrix& m, int64_t batch, int64_t rows, int64_t cols) {
  if (batch == 1) return Md({rows, cols}, dnnlType(m.phys), dnnl::memory::dims{m.rowStride, m.colStride});
  const int64_t own = m.batchStride == 0 ? 1 : batch;
  const int64_t stride = m.batchStride == 0 ? rows * cols : m.batchStride;
  return Md({own, rows, cols}, dnnlType(m.phys), dnnl::memory::dims{stride, m.rowStride, m.colStride});
}

}  // namespace

void libraryGemm(Context& context, const GemmSize& size, const Matrix& a, const Matrix& b, const Matrix& c,
                 const Tensor* bias, bool accumulate) {
  if (size.batch == 0 || size.m == 0 || size.n == 0) return;
  if (size.k == 0) return accumulate ? void() : emptyProduct(size, c, bias);
  // oneDNN adds a bf16 bias to bf16 products only.
  std::optional<Converted> wideBias;
  if (bias != nullptr && bias->phys == Phys::BF16 && a.phys == Phys::F32) {
    bias = &wideBias.emplace(context, *bias, Phys::F32).tensor();
  }
  OneDnn& dnn = context.state<OneDnn>();
  const Md mdA = describe(a, size.batch, size.m, size.k);
  const Md mdB = describe(b, size.batch, size.k, size.n);
  const Md mdC = describe(c, size.batch, size.m, size.n);
  const Md mdBias = bias == nullptr ? Md()
                    : size.batch == 1
                        ? Md({1, size.n}, dnnlType(bias->phys), dnnl::memory::dims{size.n, 1})
                        : Md({1, 1, size.n}, dnnlType(bias->phys), dnnl::memory::dims{size.n, size.n, 1});
  const PrimitiveKey key = {size.batch,
                            size.m,
                            size.n,
                            size.k,
                            static_cast<int64_t>(a.phys) * 16 + static_cast<int64_t>(b.phys) * 4 +
                                static_cast<int64_t>(c.phys),
                            a.rowStride,
                            a.colStride,
                            a.batchStride,
                            b.rowStride,
                            b.colStride,
                            b.batchStride,
                            c.rowStride,
                            c.colStride,
                            c.batchStride,
                            bias == nullptr ? -1 : static_cast<int64_t>(bias->phys),
                            accumulate};
  dnnl::matmul& product = context.state<MatMulPrimitives>().cache.get(key, [&] {
    dnnl::primitive_attr attributes;
    if (accumulate) {
      dnnl::post_ops ops;
      ops.append_sum(1.0f);
      attributes.set_post_ops(ops);
    }
    const dnnl::matmul::desc desc =
        bias == nullptr ? dnnl::matmul::desc(mdA, mdB, mdC) : dnnl::matmul::desc(mdA, mdB, mdBias, mdC);
    return dnnl::matmul(dnnl::matmul::primitive_desc(desc, attributes, dnn.engine));
  });
  std::unordered_map<int, dnnl::memory> operands = {
      {DNNL_ARG_SRC, dnnl::memory(mdA, dnn.engine, a.data)},
      {DNNL_ARG_WEIGHTS, dnnl::memory(mdB, dnn.engine, b.data)},
      {DNNL_ARG_DST, dnnl::memory(mdC, dnn.engine, c.data)},
  };
  if (bias != nullptr) operands.emplace(DNNL_ARG_BIAS, dnnl::memory(mdBias, dnn.engine, bias->data));
  product.execute(dnn.stream, operands);
  dnn.stream.wait();
}

}  // namespace uc

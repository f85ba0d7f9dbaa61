// BatchMatMul: the product of two stacks of matrices with broadcast batch dimensions and optional transposes.
#include "matmul.h"
#include "gemm.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

// a, b, bias?, transposeA, transposeB, bf16 (compute in bf16 whatever the operands) -> [..., m, n]
void batchMatMul(Context& context, Args& args, Results& results) {
  const MatMulArguments m = readMatMul(args);
  const Tensor out = results.make(m.shape, m.phys);
  if (out.count == 0) return;
  if (m.size.k == 0) return zeroBytes(context, out);
  const DeviceConverted left(context, m.a, m.phys), right(context, m.b, m.phys);
  forEachProduct(m, left.tensor(), right.tensor(), out,
                 [&](const GemmSize& size, const Matrix& a, const Matrix& b, const Matrix& c) {
                   deviceGemm(context, size, a, b, c, m.bias.data == nullptr ? nullptr : &m.bias);
                 });
}

}  // namespace

void registerCudaMatMul(Registry& r) { r.addCuda("BatchMatMul", batchMatMul); }

}  // namespace uc

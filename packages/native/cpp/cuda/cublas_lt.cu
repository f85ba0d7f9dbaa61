// Matrix products through cuBLASLt: row-major C = A B is its column-major C^T = B^T A^T. Algorithms are chosen once per shape.
#include <map>
#include <tuple>

#include "cublas_lt_api.h"
#include "gemm.h"

namespace uc {

namespace {

constexpr size_t kWorkspaceBytes = size_t{32} << 20;

void checkLt(lt::Status status, const char* call) {
  if (status != 0) fail(std::string(call) + " failed with status " + std::to_string(status));
}

lt::DataType typeOf(Phys phys) { return phys == Phys::BF16 ? lt::kBF16 : lt::kF32; }

// A row-major matrix as cuBLASLt sees it: its transpose, column-major.
struct Operand {
  bool known = false;  // one stride is 1
  bool transposed = false;
  int64_t leading = 0;

  Operand(const Matrix& m, int64_t rows, int64_t cols) {
    if (m.colStride == 1 && m.rowStride >= cols) {
      known = true;
      leading = m.rowStride;
    } else if (m.rowStride == 1 && m.colStride >= rows) {
      known = transposed = true;
      leading = m.colStride;
    } else if (rows == 1 && m.colStride == 1) {
      known = true;
      leading = cols;
    } else if (cols == 1 && m.rowStride == 1) {
      known = transposed = true;
      leading = rows;
    }
    leading = std::max<int64_t>(leading, 1);
  }
};

// Everything that the choice of an algorithm depends on.
using Key = std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int>;

// Descriptors and the algorithm of one shape.
struct Plan {
  lt::MatmulDesc desc = nullptr;
  lt::Layout a = nullptr, b = nullptr, c = nullptr;
  lt::HeuristicResult chosen{};
  bool usable = false;
};

class Products {
 public:
  Products() : api_(*lt::api()) {
    checkLt(api_.create(&handle_), "cublasLtCreate");
    checkCuda(cudaMalloc(&workspace_, kWorkspaceBytes), "cudaMalloc");
  }
  ~Products() {
    for (auto& [key, plan] : plans_) {
      if (plan.desc) api_.descDestroy(plan.desc);
      for (lt::Layout layout : {plan.a, plan.b, plan.c}) {
        if (layout) api_.layoutDestroy(layout);
      }
    }
    cudaFree(workspace_);
    api_.destroy(handle_);
  }
  Products(const Products&) = delete;

  bool run(cudaStream_t stream, const GemmSize& size, const Matrix& a, const Matrix& b, const Matrix& c, const Tensor* bias,
           bool accumulate) {
    const Operand left(a, size.m, size.k), right(b, size.k, size.n);
    if (!left.known || !right.known || c.colStride != 1 || (a.phys == Phys::F32 && c.phys != Phys::F32)) return false;
    const int flags = left.transposed | right.transposed << 1 | (bias != nullptr) << 2 | static_cast<int>(a.phys) << 3 |
                      static_cast<int>(c.phys) << 4 | (bias && bias->phys == Phys::BF16) << 5;
    const Key key{size.batch,   size.m,        size.n,        size.k,        left.leading, right.leading,
                  c.rowStride, a.batchStride, b.batchStride, c.batchStride, flags};
    Plan& plan = plans_[key];
    if (plan.desc == nullptr) make(plan, size, a, b, c, left, right, bias);
    if (!plan.usable) return false;
    if (bias != nullptr) checkLt(api_.descSet(plan.desc, lt::kBiasPointer, &bias->data, sizeof(void*)), "the bias pointer");
    const float alpha = 1.0f, beta = accumulate ? 1.0f : 0.0f;
    checkLt(api_.matmul(handle_, plan.desc, &alpha, b.data, plan.b, a.data, plan.a, &beta, c.data, plan.c, c.data, plan.c,
                        &plan.chosen.algorithm, workspace_, kWorkspaceBytes, stream),
            "cublasLtMatmul");
    return true;
  }

 private:
  lt::Layout layout(Phys phys, int64_t rows, int64_t cols, int64_t leading, const GemmSize& size, int64_t batchStride) {
    lt::Layout made = nullptr;
    checkLt(api_.layoutCreate(&made, typeOf(phys), static_cast<uint64_t>(rows), static_cast<uint64_t>(cols), leading),
            "cublasLtMatrixLayoutCreate");
    if (size.batch > 1) {
      const int32_t count = static_cast<int32_t>(size.batch);
      checkLt(api_.layoutSet(made, lt::kBatchCount, &count, sizeof count), "a batch count");
      checkLt(api_.layoutSet(made, lt::kStridedBatchOffset, &batchStride, sizeof batchStride), "a batch stride");
    }
    return made;
  }

  void make(Plan& plan, const GemmSize& s, const Matrix& a, const Matrix& b, const Matrix& c, const Operand& left,
            const Operand& right, const Tensor* bias) {
    checkLt(api_.descCreate(&plan.desc, lt::kCompute32F, lt::kF32), "cublasLtMatmulDescCreate");
    const int32_t first = right.transposed ? lt::kTranspose : lt::kNoTranspose;
    const int32_t second = left.transposed ? lt::kTranspose : lt::kNoTranspose;
    checkLt(api_.descSet(plan.desc, lt::kTransA, &first, sizeof first), "transposing");
    checkLt(api_.descSet(plan.desc, lt::kTransB, &second, sizeof second), "transposing");
    if (bias != nullptr) {
      const int32_t epilogue = lt::kEpilogueBias, type = typeOf(bias->phys);
      checkLt(api_.descSet(plan.desc, lt::kEpilogue, &epilogue, sizeof epilogue), "an epilogue");
      checkLt(api_.descSet(plan.desc, lt::kBiasDataType, &type, sizeof type), "the type of a bias");
    }
    // The stored matrices, column-major: B is n x k (or its transpose), A is k x m, C is n x m.
    plan.b = layout(b.phys, right.transposed ? s.k : s.n, right.transposed ? s.n : s.k, right.leading, s, b.batchStride);
    plan.a = layout(a.phys, left.transposed ? s.m : s.k, left.transposed ? s.k : s.m, left.leading, s, a.batchStride);
    plan.c = layout(c.phys, s.n, s.m, c.rowStride, s, c.batchStride);
    lt::Preference preference = nullptr;
    checkLt(api_.preferenceCreate(&preference), "cublasLtMatmulPreferenceCreate");
    const size_t bytes = kWorkspaceBytes;
    api_.preferenceSet(preference, lt::kMaxWorkspaceBytes, &bytes, sizeof bytes);
    int found = 0;
    const lt::Status status = api_.heuristic(handle_, plan.desc, plan.b, plan.a, plan.c, plan.c, preference, 1,
                                             &plan.chosen, &found);
    api_.preferenceDestroy(preference);
    plan.usable = status == 0 && found > 0 && plan.chosen.state == 0;
  }

  const lt::Api& api_;
  lt::Handle handle_ = nullptr;
  void* workspace_ = nullptr;
  std::map<Key, Plan> plans_;
};

}  // namespace

bool cublasLtGemm(Context& context, const GemmSize& size, const Matrix& a, const Matrix& b, const Matrix& c,
                  const Tensor* bias, bool accumulate) {
  // An f32 bias beside a bf16 result is not a form that cuBLASLt has.
  if (lt::api() == nullptr || size.k == 0 || (bias != nullptr && bias->phys != c.phys)) return false;
  return context.state<Products>().run(cudaDevice(context).stream(), size, a, b, c, bias, accumulate);
}

}  // namespace uc

// The plain matrix product. 2 m n k flops; each block computes a tile of 64 x 64 from panels of 16 columns and rows in shared
// memory, each thread 4 x 4 of it: 8 loads from shared memory per 16 multiply-adds, compute bound at the f32 rate.
#include "gemm.h"
#include "values.h"

namespace uc {

namespace {

constexpr int kEdge = 64, kDepth = 16, kPerThread = 4, kThreads = 256;
constexpr int kRow = kEdge / kPerThread;  // threads along one edge

struct Operand2d {
  Floats values;
  int64_t rowStride, colStride, batchStride;

  explicit Operand2d(const Matrix& m)
      : values(asTensor(m)), rowStride(m.rowStride), colStride(m.colStride), batchStride(m.batchStride) {}
  UC_HD int64_t at(int64_t batch, int64_t row, int64_t col) const {
    return batch * batchStride + row * rowStride + col * colStride;
  }

 private:
  static Tensor asTensor(const Matrix& m) {
    Tensor t;
    t.data = m.data;
    t.phys = m.phys;
    t.slot = 0;
    return t;
  }
};

struct PlainProduct {
  Operand2d a, b, c;
  Floats bias;
  int64_t batches, m, n, k, columnTiles;
  bool hasBias, accumulate;
};

// Loads a panel [kEdge, kDepth] of an operand, transposed into shared memory; neighbouring threads read neighbouring memory.
__device__ inline void loadPanel(const Operand2d& from, int64_t batch, int64_t edge0, int64_t edges, int64_t depth0,
                                 int64_t depths, bool edgeIsRow, float (*panel)[kEdge + 1]) {
  const bool alongDepth = (edgeIsRow ? from.colStride : from.rowStride) == 1;
  for (int i = static_cast<int>(threadIdx.x); i < kEdge * kDepth; i += kThreads) {
    const int e = alongDepth ? i / kDepth : i % kEdge;
    const int d = alongDepth ? i % kDepth : i / kEdge;
    const int64_t edge = edge0 + e, depth = depth0 + d;
    const bool inside = edge < edges && depth < depths;
    panel[d][e] = inside ? from.values[edgeIsRow ? from.at(batch, edge, depth) : from.at(batch, depth, edge)] : 0.0f;
  }
}

__global__ void __launch_bounds__(kThreads) plainGemmKernel(PlainProduct p) {
  __shared__ float left[kDepth][kEdge + 1];
  __shared__ float right[kDepth][kEdge + 1];
  const int64_t row0 = blockIdx.x / p.columnTiles * kEdge, col0 = blockIdx.x % p.columnTiles * kEdge;
  const int ty = static_cast<int>(threadIdx.x) / kRow, tx = static_cast<int>(threadIdx.x) % kRow;
  for (int64_t batch = blockIdx.y; batch < p.batches; batch += gridDim.y) {
    float sum[kPerThread][kPerThread] = {};
    for (int64_t depth = 0; depth < p.k; depth += kDepth) {
      loadPanel(p.a, batch, row0, p.m, depth, p.k, true, left);
      loadPanel(p.b, batch, col0, p.n, depth, p.k, false, right);
      __syncthreads();
      for (int d = 0; d < kDepth; ++d) {
        for (int i = 0; i < kPerThread; ++i) {
          for (int j = 0; j < kPerThread; ++j) sum[i][j] += left[d][ty + i * kRow] * right[d][tx + j * kRow];
        }
      }
      __syncthreads();
    }
    for (int i = 0; i < kPerThread; ++i) {
      for (int j = 0; j < kPerThread; ++j) {
        const int64_t row = row0 + ty + i * kRow, col = col0 + tx + j * kRow;
        if (row >= p.m || col >= p.n) continue;
        const int64_t at = p.c.at(batch, row, col);
        float value = sum[i][j] + (p.hasBias ? p.bias[col] : 0.0f);
        if (p.accumulate) value += p.c.values[at];
        p.c.values.put(at, value);
      }
    }
  }
}

}  // namespace

void plainGemm(Context& context, const GemmSize& size, const Matrix& a, const Matrix& b, const Matrix& c, const Tensor* bias,
               bool accumulate) {
  if (size.batch == 0 || size.m == 0 || size.n == 0) return;
  const int64_t columnTiles = (size.n + kEdge - 1) / kEdge, rowTiles = (size.m + kEdge - 1) / kEdge;
  const PlainProduct p{Operand2d(a), Operand2d(b), Operand2d(c), Floats(bias ? *bias : Tensor{}),
                  size.batch,   size.m,       size.n,       size.k,
                  columnTiles,  bias != nullptr, accumulate};
  const dim3 grid(static_cast<unsigned>(columnTiles * rowTiles), static_cast<unsigned>(std::min<int64_t>(size.batch, 65535)));
  launch(cudaDevice(context), plainGemmKernel, grid, dim3(kThreads), 0, p);
}

void deviceGemm(Context& context, const GemmSize& size, const Matrix& a, const Matrix& b, const Matrix& c, const Tensor* bias,
                bool accumulate) {
  if (size.batch == 0 || size.m == 0 || size.n == 0) return;
  if (!cublasLtGemm(context, size, a, b, c, bias, accumulate)) plainGemm(context, size, a, b, c, bias, accumulate);
}

}  // namespace uc

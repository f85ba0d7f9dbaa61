// Kernels in which the order along the last dimension matters: running sums and products, the k largest values.
//
// One block per row. A scan takes one pass of the row in tiles; TopK takes k passes, so it is meant for small k.
#include "register.h"
#include "values.h"

namespace uc {

namespace {

struct Times {
  template <class T>
  UC_HD T operator()(T a, T b) const {
    return a * b;
  }
};

// The tile of kBlockThreads values is scanned by doubling distances in shared memory, on top of what came before it.
template <class T, class Op>
void scanRows(Context& context, const Operand<T>& in, T* out, int64_t rows, int64_t n, bool exclusive, bool reverse,
              T start, Op op) {
  forEachBlock(context, rows, [=] __device__(int64_t row) {
    __shared__ T tile[2][kBlockThreads];
    T before = start;
    for (int64_t first = 0; first < n; first += kBlockThreads) {
      const int t = static_cast<int>(threadIdx.x);
      const int64_t i = first + t;
      const int64_t at = row * n + (reverse ? n - 1 - i : i);
      int side = 0;
      tile[0][t] = i < n ? in[at] : start;
      __syncthreads();
      for (int distance = 1; distance < kBlockThreads; distance *= 2) {
        tile[side ^ 1][t] = t >= distance ? op(tile[side][t - distance], tile[side][t]) : tile[side][t];
        side ^= 1;
        __syncthreads();
      }
      if (i < n) out[at] = exclusive ? (t == 0 ? before : op(before, tile[side][t - 1])) : op(before, tile[side][t]);
      before = op(before, tile[side][kBlockThreads - 1]);
      __syncthreads();
    }
  });
}

// x, exclusive, reverse -> the scan along the last dimension; f32 for float32 inputs.
template <class Op, int kStart>
void scan(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const bool exclusive = args.flag();
  const bool reverse = args.flag();
  const int64_t n = x.dims.last();
  const int64_t rows = n == 0 ? 0 : x.count / n;
  if (x.phys == Phys::I32) {
    int32_t* out = results.make(x.dims, Phys::I32).i32();
    scanRows<int32_t>(context, Operand<int32_t>(x), out, rows, n, exclusive, reverse, kStart, Op{});
  } else if (isFloat(x.phys)) {
    float* out = results.make(x.dims, Phys::F32).f32();
    scanRows<float>(context, Operand<float>(x), out, rows, n, exclusive, reverse, kStart, Op{});
  } else {
    fail("a bool tensor is not supported");
  }
}

// A value and where it stands. A NaN counts as smaller than every number; ties go to the smaller index.
template <class T>
UC_HD bool comesBefore(T a, int32_t i, T b, int32_t j) {
  const bool nanA = a != a, nanB = b != b;
  if (nanA != nanB) return nanB;
  if (!nanA && a != b) return a > b;
  return i < j;
}

// Each pass finds the first value behind the one that the pass before it found.
template <class T>
void topRows(Context& context, const Operand<T>& in, T* values, int32_t* indices, int64_t rows, int64_t n, int64_t k) {
  forEachBlock(context, rows, [=] __device__(int64_t row) {
    __shared__ int32_t candidates[kBlockThreads];
    int32_t last = -1;
    for (int64_t pass = 0; pass < k; ++pass) {
      int32_t best = -1;
      for (int64_t i = threadIdx.x; i < n; i += kBlockThreads) {
        const int32_t at = static_cast<int32_t>(i);
        if (last >= 0 && !comesBefore(in[row * n + last], last, in[row * n + at], at)) continue;
        if (best < 0 || comesBefore(in[row * n + at], at, in[row * n + best], best)) best = at;
      }
      candidates[threadIdx.x] = best;
      __syncthreads();
      for (int i = 0; i < kBlockThreads; ++i) {
        const int32_t other = candidates[i];
        if (other < 0) continue;
        if (best < 0 || comesBefore(in[row * n + other], other, in[row * n + best], best)) best = other;
      }
      last = best;
      if (threadIdx.x == 0) {
        values[row * k + pass] = in[row * n + best];
        indices[row * k + pass] = best;
      }
      __syncthreads();
    }
  });
}

// x, k -> values [..., k] and indices [..., k], in descending order.
void topK(Context& context, Args& args, Results& results) {
  const Tensor x = args.tensor();
  const int64_t k = args.integer();
  const int64_t n = x.dims.last();
  if (x.dims.rank() == 0 || k < 0 || k > n) fail("k = " + std::to_string(k) + " for rows of " + std::to_string(n));
  const int64_t rows = n == 0 ? 0 : x.count / n;
  const Tensor values = results.make(Dims{rows, k}, x.phys == Phys::BF16 ? Phys::F32 : x.phys);
  int32_t* indices = results.make(Dims{rows, k}, Phys::I32).i32();
  if (x.phys == Phys::I32) return topRows(context, Operand<int32_t>(x), values.i32(), indices, rows, n, k);
  if (x.phys == Phys::U8) return topRows(context, Operand<uint8_t>(x), values.u8(), indices, rows, n, k);
  topRows(context, Operand<float>(x), values.f32(), indices, rows, n, k);
}

}  // namespace

void registerCudaOrdered(Registry& r) {
  r.addCuda("Cumsum", scan<Plus, 0>);
  r.addCuda("Cumprod", scan<Times, 1>);
  r.addCuda("TopK", topK);
}

}  // namespace uc

// Cross-entropy of a vocabulary projection without [N, V] logits in memory.
//
// hidden [N, D], weight [V, D], labels i32 [N]. Tokens are taken in chunks of about 64 MiB of logits; forward costs 2 N V D flops,
// backward recomputes the logits and costs 6 N V D. Compute bound for chunks of some hundreds of tokens. Labels are checked on the
// device (see index_ops.cu).
#include "../cpu/cross_entropy_problem.h"
#include "../formulas/elementwise.h"
#include "gemm.h"
#include "register.h"
#include "values.h"

namespace uc {

namespace {

using Problem = CrossEntropyProblem;

Problem readProblem(Args& args) { return Problem::read(args, int64_t{1} << 24, 64); }

void* rowPointer(const Tensor& t, int64_t row) {
  return t.as<char>() + row * t.dims.last() * static_cast<int64_t>(bytesOf(t.phys));
}

void logitsOf(Context& context, const Problem& p, const Tensor& hidden, const Tensor& weight, int64_t begin, int64_t rows,
              float* logits) {
  deviceGemm(context, {1, rows, p.vocabulary, p.size},
             Matrix::rowMajor(rowPointer(hidden, begin), p.phys, rows, p.size),
             Matrix::rowMajor(weight.data, p.phys, p.vocabulary, p.size).transposed(),
             Matrix::rowMajor(logits, Phys::F32, rows, p.vocabulary));
}

// log(sum(exp(x))) of a row, by all threads of a block.
__device__ inline float logSumExp(const float* x, int64_t n) {
  float most = -INFINITY;
  for (int64_t i = threadIdx.x; i < n; i += kBlockThreads) most = Larger{}(x[i], most);
  most = blockReduce(most, Larger{});
  float sum = 0;
  for (int64_t i = threadIdx.x; i < n; i += kBlockThreads) sum += fastExp(x[i] - most);
  return most + std::log(blockSum(sum));
}

// -> losses [N]
void forward(Context& context, Args& args, Results& results) {
  const Problem p = readProblem(args);
  float* losses = results.make({p.tokens}, Phys::F32).f32();
  const DeviceConverted hidden(context, p.hidden, p.phys), weight(context, p.weight, p.phys);
  const DeviceScratch<float> memory(context, std::max<int64_t>(std::min(p.chunk, p.tokens) * p.vocabulary, 1));
  const float* logits = memory.data();
  const int32_t* labels = p.labels.i32();
  const int64_t n = p.vocabulary;
  const FaultReport faults = cudaDevice(context).faults();
  for (int64_t begin = 0; begin < p.tokens; begin += p.chunk) {
    const int64_t rows = std::min(p.chunk, p.tokens - begin);
    logitsOf(context, p, hidden.tensor(), weight.tensor(), begin, rows, memory.data());
    forEachBlock(context, rows, [=] __device__(int64_t row) {
      const float lse = logSumExp(logits + row * n, n);
      if (threadIdx.x != 0) return;
      const int32_t label = labels[begin + row];
      losses[begin + row] = faults.inRange(label, n) ? lse - logits[row * n + label] : 0.0f;
    });
  }
}

// Logits of a chunk become their gradient, dLoss (softmax - one at the label), in the computing type.
void toGradient(Context& context, const Problem& p, int64_t begin, int64_t rows, const float* logits, const Floats& dLosses,
                const Floats& gradient) {
  const int32_t* labels = p.labels.i32();
  const int64_t n = p.vocabulary;
  const FaultReport faults = cudaDevice(context).faults();
  forEachBlock(context, rows, [=] __device__(int64_t row) {
    const float* x = logits + row * n;
    const float lse = logSumExp(x, n), upstream = dLosses[begin + row];
    const int32_t label = labels[begin + row];
    const bool known = faults.inRange(label, n);
    for (int64_t i = threadIdx.x; i < n; i += kBlockThreads) {
      const float value = upstream * fastExp(x[i] - lse);
      gradient.put(row * n + i, known && i == label ? value - upstream : value);
    }
  });
}

// want dHidden, want dWeight; dLosses [N] -> dHidden [N, D] or [0], dWeight [V, D] or [0]
void backward(Context& context, Args& args, Results& results) {
  const Problem p = readProblem(args);
  const bool wantHidden = args.flag();
  const bool wantWeight = args.flag();
  const Tensor dLosses = args.floatTensor();
  if (dLosses.count != p.tokens) fail("one upstream gradient per token is needed");
  const Tensor dHidden = results.make(wantHidden ? p.hidden.dims : Dims{0}, p.hidden.phys);
  const Tensor dWeight = results.make(wantWeight ? p.weight.dims : Dims{0}, Phys::F32);
  if (p.tokens == 0) return zeroBytes(context, dWeight);
  const DeviceConverted hidden(context, p.hidden, p.phys), weight(context, p.weight, p.phys);
  const int64_t values = std::min(p.chunk, p.tokens) * p.vocabulary;
  const DeviceScratch<float> logits(context, std::max<int64_t>(values, 1));
  const DeviceScratch<bf16> narrowed(context, p.phys == Phys::BF16 ? std::max<int64_t>(values, 1) : 1);
  Tensor gradient;
  gradient.slot = 0;
  gradient.phys = p.phys;
  gradient.data = p.phys == Phys::BF16 ? static_cast<void*>(narrowed.data()) : logits.data();
  for (int64_t begin = 0; begin < p.tokens; begin += p.chunk) {
    const int64_t rows = std::min(p.chunk, p.tokens - begin);
    logitsOf(context, p, hidden.tensor(), weight.tensor(), begin, rows, logits.data());
    toGradient(context, p, begin, rows, logits.data(), Floats(dLosses), Floats(gradient));
    const Matrix dLogits = Matrix::rowMajor(gradient.data, p.phys, rows, p.vocabulary);
    if (wantHidden) {
      deviceGemm(context, {1, rows, p.size, p.vocabulary}, dLogits,
                 Matrix::rowMajor(weight.tensor().data, p.phys, p.vocabulary, p.size),
                 Matrix::rowMajor(rowPointer(dHidden, begin), dHidden.phys, rows, p.size));
    }
    if (wantWeight) {
      deviceGemm(context, {1, p.vocabulary, p.size, rows}, dLogits.transposed(),
                 Matrix::rowMajor(rowPointer(hidden.tensor(), begin), p.phys, rows, p.size),
                 Matrix::rowMajor(dWeight.data, Phys::F32, p.vocabulary, p.size), nullptr, begin > 0);
    }
  }
}

}  // namespace

void registerCudaCrossEntropy(Registry& r) {
  r.addCuda("LinearCrossEntropy", forward);
  r.addCuda("LinearCrossEntropyGrad", backward);
}

}  // namespace uc

// Cross-entropy of a vocabulary projection without [N, V] logits in memory.
//
// hidden [N, D], weight [V, D], labels i32 [N]. Tokens are taken in chunks of about 4 MiB of logits; forward costs
// 2 N V D flops, backward recomputes the logits and costs 6 N V D. Compute bound for chunks of 64 tokens or more.
#include <cmath>

#include "convert.h"
#include "gemm.h"
#include "fused.h"
#include "vector_math.h"

namespace uc {

namespace {

struct Problem {
  Tensor hidden, weight, labels;
  int64_t tokens, size, vocabulary, chunk;
  Phys phys;
};

Problem readProblem(Args& args) {
  Problem p;
  p.hidden = args.floatTensor();
  p.weight = args.floatTensor();
  p.labels = args.intTensor();
  if (p.hidden.dims.rank() != 2 || p.weight.dims.rank() != 2 || p.hidden.dims[1] != p.weight.dims[1] ||
      p.labels.count != p.hidden.dims[0]) {
    fail("hidden [N, D], weight [V, D] and labels [N] are needed");
  }
  p.tokens = p.hidden.dims[0];
  p.size = p.hidden.dims[1];
  p.vocabulary = p.weight.dims[0];
  for (int64_t i = 0; i < p.tokens; ++i) {
    const int32_t label = p.labels.i32()[i];
    if (label >= 0 && label < p.vocabulary) continue;
    fail("label " + std::to_string(label) + " of token " + std::to_string(i) + " is outside [0, " +
         std::to_string(p.vocabulary) + ")");
  }
  constexpr int64_t kLogits = int64_t{1} << 20;
  p.chunk = std::clamp<int64_t>(kLogits / std::max<int64_t>(p.vocabulary, 1), 64, std::max<int64_t>(p.tokens, 64));
  p.phys = args.flag() ? Phys::BF16 : promote(p.hidden.phys, p.weight.phys);
  return p;
}

void* rowPointer(const Tensor& t, int64_t row) {
  return t.as<char>() + row * t.dims.last() * static_cast<int64_t>(bytesOf(t.phys));
}

// Rows [begin, begin + rows) of the hidden states or of a tensor like them.
Matrix rowsOf(const Tensor& t, int64_t begin, int64_t rows) {
  return Matrix::rowMajor(rowPointer(t, begin), t.phys, rows, t.dims.last());
}

void logitsOf(Context& context, const Problem& p, const Matrix& weight, int64_t begin, int64_t rows, float* logits) {
  gemm(context, {1, rows, p.vocabulary, p.size}, p.phys, rowsOf(p.hidden, begin, rows), weight.transposed(),
       Matrix::rowMajor(logits, Phys::F32, rows, p.vocabulary));
}

float maximum(const float* x, int64_t n) {
  float m = x[0];
#pragma omp simd reduction(max : m)
  for (int64_t i = 0; i < n; ++i) m = x[i] > m ? x[i] : m;
  return m;
}

float logSumExp(const float* x, int64_t n) {
  const float m = maximum(x, n);
  float s = 0.0f;
#pragma omp simd reduction(+ : s)
  for (int64_t i = 0; i < n; ++i) s += clampedExp(x[i] - m);
  return m + std::log(s);
}

// Logits of a row become their gradient: dLoss (softmax - one at the label).
void toGradient(float* x, int64_t n, int32_t label, float dLoss) {
  const float lse = logSumExp(x, n);
  for (int64_t i = 0; i < n; ++i) x[i] = dLoss * clampedExp(x[i] - lse);
  x[label] -= dLoss;
}

}  // namespace

void registerCrossEntropy(Registry& registry) {
  // hidden, weight, labels; bf16 -> losses [N]
  registry.add("LinearCrossEntropy", [](Context& context, Args& args, Results& results) {
    const Problem p = readProblem(args);
    const Tensor losses = results.make({p.tokens}, Phys::F32);
    const Matrix weight = Matrix::of(p.weight, p.vocabulary, p.size);
    Scratch<float> logits(context, p.chunk * p.vocabulary);
    for (int64_t begin = 0; begin < p.tokens; begin += p.chunk) {
      const int64_t rows = std::min(p.chunk, p.tokens - begin);
      logitsOf(context, p, weight, begin, rows, logits.data());
      parallelFor(rows, p.vocabulary * 8, [&](int64_t from, int64_t to) {
        for (int64_t row = from; row < to; ++row) {
          const float* x = logits.data() + row * p.vocabulary;
          losses.f32()[begin + row] = logSumExp(x, p.vocabulary) - x[p.labels.i32()[begin + row]];
        }
      });
    }
  });

  // hidden, weight, labels; bf16, want dHidden, want dWeight; dLosses [N] -> dHidden [N, D] or [0], dWeight [V, D] or [0]
  registry.add("LinearCrossEntropyGrad", [](Context& context, Args& args, Results& results) {
    const Problem p = readProblem(args);
    const bool wantHidden = args.flag();
    const bool wantWeight = args.flag();
    const Tensor dLosses = args.floatTensor();
    if (dLosses.count != p.tokens) fail("one upstream gradient per token is needed");
    const Tensor dHidden = results.make(wantHidden ? p.hidden.dims : Dims{0}, p.hidden.phys);
    const Tensor dWeight = results.make(wantWeight ? p.weight.dims : Dims{0}, Phys::F32);
    if (p.tokens == 0) std::memset(dWeight.data, 0, static_cast<size_t>(dWeight.bytes()));
    const Matrix weight = Matrix::of(p.weight, p.vocabulary, p.size);
    const Converted upstream(context, dLosses, Phys::F32);
    Scratch<float> logits(context, p.chunk * p.vocabulary);
    Scratch<bf16> narrowed(context, p.phys == Phys::BF16 ? p.chunk * p.vocabulary : 1);
    for (int64_t begin = 0; begin < p.tokens; begin += p.chunk) {
      const int64_t rows = std::min(p.chunk, p.tokens - begin);
      logitsOf(context, p, weight, begin, rows, logits.data());
      parallelFor(rows, p.vocabulary * 16, [&](int64_t from, int64_t to) {
        for (int64_t row = from; row < to; ++row) {
          float* x = logits.data() + row * p.vocabulary;
          toGradient(x, p.vocabulary, p.labels.i32()[begin + row], upstream.tensor().f32()[begin + row]);
          if (p.phys == Phys::BF16) narrow(x, narrowed.data() + row * p.vocabulary, p.vocabulary);
        }
      });
      void* gradient = p.phys == Phys::BF16 ? static_cast<void*>(narrowed.data()) : logits.data();
      const Matrix dLogits = Matrix::rowMajor(gradient, p.phys, rows, p.vocabulary);
      if (wantHidden) {
        gemm(context, {1, rows, p.size, p.vocabulary}, p.phys, dLogits, weight, rowsOf(dHidden, begin, rows));
      }
      if (wantWeight) {
        gemm(context, {1, p.vocabulary, p.size, rows}, p.phys, dLogits.transposed(), rowsOf(p.hidden, begin, rows),
             Matrix::of(dWeight, p.vocabulary, p.size), nullptr, begin > 0);
      }
    }
  });
}

}  // namespace uc

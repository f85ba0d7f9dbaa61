// Cross-entropy of a vocabulary projection without [N, V] logits in memory.
//
// hidden [N, D], weight [V, D], labels i32 [N]. Tokens are taken in chunks of about 16 MiB of logits, and at least 128: every
// chunk orders the weight for its products and adds to the gradient of the weight, which costs as much as some tens of tokens.
// Forward costs 2 N V D flops, backward recomputes the logits and costs 6 N V D. Compute bound.
#include <cmath>
#include <type_traits>

#include "convert.h"
#include "cross_entropy_problem.h"
#include "fused.h"
#include "gemm.h"
#include "softmax_row.h"

namespace uc {

namespace {

using Problem = CrossEntropyProblem;

Problem readProblem(Args& args) {
  const Problem p = Problem::read(args, int64_t{1} << 22, 128);
  for (int64_t i = 0; i < p.tokens; ++i) {
    const int32_t label = p.labels.i32()[i];
    if (label >= 0 && label < p.vocabulary) continue;
    fail("label " + std::to_string(label) + " of token " + std::to_string(i) + " is outside [0, " +
         std::to_string(p.vocabulary) + ")");
  }
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

// Logits of a row become their gradient, dLoss (softmax - one at the label), in the same memory: G is no wider than a logit.
template <class G>
void toGradient(float* x, int64_t n, int32_t label, float dLoss) {
  const float lse = logSumExp(x, n), atLabel = dLoss * (std::exp(x[label] - lse) - 1.0f);
  G* gradient = reinterpret_cast<G*>(x);
  eachVector(0, n, [&](int64_t, const auto& load, const auto& store) { store(gradient, dLoss * expLanes(load(x) - lse)); });
  if constexpr (std::is_same_v<G, bf16>) {
    gradient[label] = toBf16(atLabel);
  } else {
    gradient[label] = atLabel;
  }
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
    for (int64_t begin = 0; begin < p.tokens; begin += p.chunk) {
      const int64_t rows = std::min(p.chunk, p.tokens - begin);
      logitsOf(context, p, weight, begin, rows, logits.data());
      parallelFor(rows, p.vocabulary * 16, [&](int64_t from, int64_t to) {
        for (int64_t row = from; row < to; ++row) {
          float* x = logits.data() + row * p.vocabulary;
          const int32_t label = p.labels.i32()[begin + row];
          const float dLoss = upstream.tensor().f32()[begin + row];
          p.phys == Phys::BF16 ? toGradient<bf16>(x, p.vocabulary, label, dLoss) : toGradient<float>(x, p.vocabulary, label, dLoss);
        }
      });
      Matrix dLogits = Matrix::rowMajor(logits.data(), p.phys, rows, p.vocabulary);
      if (p.phys == Phys::BF16) dLogits.rowStride *= 2;  // bf16 values begin where their row of f32 began
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

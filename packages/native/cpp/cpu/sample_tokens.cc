// Choosing the next token of each row of logits: greedy, or a draw from the nucleus of softmax(logits / temperature); and
// how likely it was, for the rows that ask.
//
// logits [R, V]. A row costs V exponentials and a selection of V values on average, whatever its nucleus; rows are
// independent, so which rows are chosen together makes no difference.
#include <algorithm>
#include <cmath>
#include <vector>

#include "../runtime/context.h"
#include "../runtime/parallel.h"
#include "convert.h"
#include "fused.h"
#include "lanes.h"
#include "philox.h"

namespace uc {

namespace {

struct Draw {
  // Only the first `choices` logits count.
  int64_t choices;
  PhiloxKey key;
  double temperature, topP;
  // Log-probabilities to tell: of the token, and of `told` - 1 likeliest; 0 for none.
  int64_t told;
};

struct Weight {
  float value;
  int32_t id;
  // Heavier first, ties by the smaller id.
  bool operator<(const Weight& other) const { return value != other.value ? value > other.value : id < other.id; }
};

// The last member, in that order, of the smallest set of the heaviest that weighs `least` together: selection by halves.
Weight lastOfNucleus(std::vector<Weight>& weights, double least) {
  auto begin = weights.begin(), end = weights.end();
  double held = 0.0;
  while (end - begin > 1) {
    const auto middle = begin + (end - begin) / 2;
    std::nth_element(begin, middle, end);
    double sum = 0.0;
    for (auto w = begin; w < middle; ++w) sum += w->value;
    if (held + sum >= least) {
      end = middle;
    } else {
      held += sum;
      begin = middle;
    }
  }
  return *begin;
}

int32_t choose(const float* logits, const Draw& draw, float* scratch, std::vector<Weight>& weights) {
  const int64_t n = draw.choices;
  const auto best = static_cast<int32_t>(std::max_element(logits, logits + n) - logits);
  if (draw.temperature <= 0.0) return best;
  const float top = logits[best], scale = static_cast<float>(1.0 / draw.temperature);
  eachVector(0, n, [&](int64_t, const auto& load, const auto& store) { store(scratch, expLanes((load(logits) - top) * scale)); });
  double total = 0.0;
  for (int64_t i = 0; i < n; ++i) total += scratch[i];
  Weight last = {-1.0f, 0};
  if (draw.topP < 1.0) {
    // All that weigh less than this together weigh less than what the nucleus leaves out.
    const double least = (1.0 - draw.topP) * total / static_cast<double>(n);
    weights.clear();
    for (int64_t i = 0; i < n; ++i) {
      if (scratch[i] >= least) weights.push_back({scratch[i], static_cast<int32_t>(i)});
    }
    last = lastOfNucleus(weights, draw.topP * total);
    total = 0.0;
    for (const Weight& w : weights) {
      if (!(last < w)) total += w.value;
    }
  }
  double left = unitFloat(philox(draw.key, 0).word[0]) * total;
  int32_t chosen = best;
  for (int64_t i = 0; i < n; ++i) {
    const Weight w = {scratch[i], static_cast<int32_t>(i)};
    if (last < w) continue;
    chosen = w.id;
    left -= w.value;
    if (left < 0.0) break;
  }
  return chosen;
}

// Log-probabilities under softmax(logits) of the token in ids[0] and of the likeliest, whose ids follow it.
void tell(const float* logits, const Draw& draw, float* scratch, std::vector<Weight>& weights, int32_t* ids, float* logProbs) {
  const int64_t n = draw.choices;
  const float top = *std::max_element(logits, logits + n);
  eachVector(0, n, [&](int64_t, const auto& load, const auto& store) { store(scratch, expLanes(load(logits) - top)); });
  double total = 0.0;
  for (int64_t i = 0; i < n; ++i) total += scratch[i];
  const double logTotal = top + std::log(total);
  if (draw.told > 1) {
    weights.resize(n);
    for (int64_t i = 0; i < n; ++i) weights[i] = {logits[i], static_cast<int32_t>(i)};
    std::partial_sort(weights.begin(), weights.begin() + (draw.told - 1), weights.end());
    for (int64_t i = 1; i < draw.told; ++i) ids[i] = weights[i - 1].id;
  }
  for (int64_t i = 0; i < draw.told; ++i) logProbs[i] = static_cast<float>(logits[ids[i]] - logTotal);
}

std::vector<Draw> readDraws(Args& args, int64_t rows, int64_t vocabulary, int64_t width) {
  std::vector<Draw> draws(rows);
  for (Draw& draw : draws) {
    draw.choices = args.integer();
    draw.told = args.integer();
    draw.key = PhiloxKey::read(args);
    draw.temperature = args.real();
    draw.topP = args.real();
    if (draw.choices < 1 || draw.choices > vocabulary) {
      fail("choices = " + std::to_string(draw.choices) + " of " + std::to_string(vocabulary) + " logits");
    }
    if (draw.told < 0 || draw.told > width || draw.told > draw.choices + 1) {
      fail("told = " + std::to_string(draw.told) + " of " + std::to_string(draw.choices) + " choices, width " + std::to_string(width));
    }
  }
  return draws;
}

}  // namespace

void registerSampleTokens(Registry& registry) {
  // logits [R, V], R, W, then for each row: choices, told, Philox key; temperature, topP
  // -> ids [R, max(W, 1)]: the token, then the likeliest; for W > 0 also their log-probabilities [R, W]
  registry.add("SampleTokens", [](Context& context, Args& args, Results& results) {
    const Tensor logits = args.floatTensor();
    if (logits.dims.rank() != 2) fail("logits [rows, vocabulary] are needed");
    const int64_t rows = logits.dims[0], vocabulary = logits.dims[1];
    const int64_t count = args.integer(), width = args.integer();
    if (count != rows) fail("one draw per row of logits is needed, found " + std::to_string(count));
    if (width < 0 || width > vocabulary + 1) fail("width = " + std::to_string(width));
    const std::vector<Draw> draws = readDraws(args, rows, vocabulary, width);
    const int64_t stride = std::max<int64_t>(width, 1);
    const Tensor ids = results.make(Dims{rows, stride}, Phys::I32);
    std::fill_n(ids.i32(), rows * stride, 0);
    float* logProbs = nullptr;
    if (width > 0) {
      logProbs = results.make(Dims{rows, width}, Phys::F32).f32();
      std::fill_n(logProbs, rows * width, 0.0f);
    }
    const Converted wide(context, logits, Phys::F32);
    const float* values = wide.tensor().f32();
    Scratch<float> scratch(context, omp_get_max_threads() * vocabulary);
    parallelFor(rows, 8 * vocabulary, [&](int64_t begin, int64_t end) {
      std::vector<Weight> weights;
      float* own = scratch.data() + omp_get_thread_num() * vocabulary;
      for (int64_t row = begin; row < end; ++row) {
        const float* line = values + row * vocabulary;
        int32_t* chosen = ids.i32() + row * stride;
        chosen[0] = choose(line, draws[row], own, weights);
        if (draws[row].told > 0) tell(line, draws[row], own, weights, chosen, logProbs + row * width);
      }
    });
  });
}

}  // namespace uc

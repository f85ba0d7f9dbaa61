// Choosing the next token of each row of logits: greedy, or a draw from the nucleus of softmax(logits / temperature).
//
// logits [R, V]. A row costs V exponentials and a selection of V values on average, whatever its nucleus; rows are
// independent, so which rows are chosen together makes no difference.
#include <algorithm>
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

std::vector<Draw> readDraws(Args& args, int64_t rows, int64_t vocabulary) {
  const int64_t count = args.integer();
  if (count != rows) fail("one draw per row of logits is needed, found " + std::to_string(count));
  std::vector<Draw> draws(count);
  for (Draw& draw : draws) {
    draw.choices = args.integer();
    draw.key = PhiloxKey::read(args);
    draw.temperature = args.real();
    draw.topP = args.real();
    if (draw.choices < 1 || draw.choices > vocabulary) {
      fail("choices = " + std::to_string(draw.choices) + " of " + std::to_string(vocabulary) + " logits");
    }
  }
  return draws;
}

}  // namespace

void registerSampleTokens(Registry& registry) {
  // logits [R, V], R, then for each row: choices, Philox key; temperature, topP -> ids [R]
  registry.add("SampleTokens", [](Context& context, Args& args, Results& results) {
    const Tensor logits = args.floatTensor();
    if (logits.dims.rank() != 2) fail("logits [rows, vocabulary] are needed");
    const int64_t rows = logits.dims[0], vocabulary = logits.dims[1];
    const std::vector<Draw> draws = readDraws(args, rows, vocabulary);
    const Tensor ids = results.make(Dims{rows}, Phys::I32);
    const Converted wide(context, logits, Phys::F32);
    const float* values = wide.tensor().f32();
    Scratch<float> scratch(context, omp_get_max_threads() * vocabulary);
    parallelFor(rows, 8 * vocabulary, [&](int64_t begin, int64_t end) {
      std::vector<Weight> weights;
      for (int64_t row = begin; row < end; ++row) {
        ids.i32()[row] = choose(values + row * vocabulary, draws[row],
                                scratch.data() + omp_get_thread_num() * vocabulary, weights);
      }
    });
  });
}

}  // namespace uc

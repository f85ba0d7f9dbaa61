// Timing, inputs and the result line of one measurement.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

inline double nowMs() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double, std::milli>(Clock::now().time_since_epoch()).count();
}

struct Timing {
  double median, min;
  size_t repeats;
};

// Times `once` for `budget` milliseconds after one call that does not count.
template <class F>
Timing measure(const F& once, double budget) {
  once();
  std::vector<double> times;
  const double end = nowMs() + budget;
  do {
    const double start = nowMs();
    once();
    times.push_back(nowMs() - start);
  } while (nowMs() < end);
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times[0], times.size()};
}

// The numbers of bench/values.mjs: uniform in [-1, 1), repeating after kPeriod.
inline std::vector<float> inputValues(int64_t size, uint32_t seed) {
  constexpr int64_t kPeriod = 1000003;
  std::vector<float> values(size);
  for (int64_t i = 0; i < size; i++) {
    uint32_t x = static_cast<uint32_t>(i % kPeriod) * 0x9e3779b1u + (seed + 1) * 0x85ebca6bu;
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    x ^= x >> 16;
    values[i] = static_cast<float>(-1.0 + 2.0 * (x / 4294967296.0));
  }
  return values;
}

// Prints the result line; `values` are the result, of which 64 are shown.
inline void report(const Timing& t, const std::vector<float>& values, const std::string& note) {
  std::printf("{\"median\":%.6f,\"min\":%.6f,\"repeats\":%zu,\"note\":\"%s\",\"check\":[[", t.median, t.min, t.repeats,
              note.c_str());
  constexpr size_t kSamples = 64;
  for (size_t i = 0; i < kSamples; i++) {
    std::printf("%s%.9g", i == 0 ? "" : ",", values[i * (values.size() - 1) / (kSamples - 1)]);
  }
  std::printf("]]}\n");
}

// Streaming bandwidth: plain stores (the processor first reads the lines that it writes) and non-temporal stores.
#include <immintrin.h>
#include <omp.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "limits.h"
#include "measure.h"

namespace {

constexpr int64_t kLine = 64;

using Buffer = std::unique_ptr<char, decltype(&std::free)>;

// Filled by the threads that will use it, so that its pages exist and lie near them.
Buffer touched(int64_t bytes) {
  Buffer buffer(static_cast<char*>(std::aligned_alloc(kLine, bytes)), std::free);
  if (!buffer) throw std::runtime_error("out of memory");
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < bytes; i += kLine) std::memset(buffer.get() + i, static_cast<int>(i), kLine);
  return buffer;
}

void plainCopy(const char* from, char* to, int64_t bytes) { std::memcpy(to, from, bytes); }

void streamingCopy(const char* from, char* to, int64_t bytes) {
#ifdef __AVX512F__
  for (int64_t i = 0; i < bytes; i += kLine) {
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to + i), _mm512_load_si512(from + i));
  }
#else
  for (int64_t i = 0; i < bytes; i += 32) {
    const __m256i part = _mm256_load_si256(reinterpret_cast<const __m256i*>(from + i));
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + i), part);
  }
#endif
  _mm_sfence();
}

template <class Copy>
Timing timed(const Copy& copyPart, const char* from, char* to, int64_t bytes, double budget) {
  return measure(
      [&] {
#pragma omp parallel
        {
          const int64_t lines = bytes / kLine, count = omp_get_num_threads(), t = omp_get_thread_num();
          const int64_t begin = lines * t / count * kLine, end = lines * (t + 1) / count * kLine;
          copyPart(from + begin, to + begin, end - begin);
        }
      },
      budget);
}

}  // namespace

void copy(const Words& words) {
  const int64_t bytes = std::max<int64_t>(std::stoll(words[1]) / 2 / kLine, 64) * kLine;
  const double budget = std::stod(words[2]) / 2;
  const Buffer from = touched(bytes), to = touched(bytes);
  const Timing plain = timed(plainCopy, from.get(), to.get(), bytes, budget);
  const Timing streaming = timed(streamingCopy, from.get(), to.get(), bytes, budget);
  const bool plainIsBest = plain.median < streaming.median;
  const float last = static_cast<float>(to.get()[bytes - 1]);
  report(plainIsBest ? plain : streaming, {last, last}, plainIsBest ? "plain stores" : "non-temporal stores");
}

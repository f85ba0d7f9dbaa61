// Work sharing over OpenMP threads.
#pragma once

#include <omp.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <cstdint>

namespace uc {

// Below this many elements of cheap work a parallel region costs more than it saves.
constexpr int64_t kParallelGrain = 32768;

// Makes stores that go round the caches visible to other threads.
inline void finishStreaming() {
#ifdef __SSE2__
  _mm_sfence();
#endif
}

// Calls f(begin, end) on contiguous parts of [0, n), one per thread; `cost` is the work of one item in element units.
// f must not throw. Parts begin at multiples of `unit` items.
template <class F>
void parallelFor(int64_t n, int64_t cost, const F& f, int64_t unit = 1) {
  if (n <= 0) return;
  const int64_t units = (n + unit - 1) / unit;
  const int64_t wanted = n * std::max<int64_t>(cost, 1) / kParallelGrain;
  const int threads = static_cast<int>(std::min<int64_t>({units, wanted, omp_get_max_threads()}));
  if (threads <= 1) {
    f(int64_t{0}, n);
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    const int64_t t = omp_get_thread_num();
    const int64_t count = omp_get_num_threads();
    const int64_t begin = units * t / count * unit;
    const int64_t end = std::min(n, units * (t + 1) / count * unit);
    if (begin < end) f(begin, end);
    finishStreaming();
  }
}

}  // namespace uc

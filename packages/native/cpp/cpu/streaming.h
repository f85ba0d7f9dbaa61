// Outputs that the caches cannot hold until they are read again, and stores that go round the caches. An ordinary store
// first reads the line that it overwrites, so that a kernel that reads one array and writes one moves three.
#pragma once

#include "lanes.h"

namespace uc {

// Outputs of this size and more are streamed.
constexpr int64_t kStreamedBytes = int64_t{16} << 20;

// The memory of a streamed output. Whole vectors are stored at multiples of kLanes elements.
template <class T>
struct Streamed {
  T* data;
  Streamed operator+(int64_t n) const { return {data + n}; }
};

inline void storeLanes(Streamed<float> p, Lanes v) {
#if defined(__AVX512F__)
  _mm512_stream_ps(p.data, (__m512)v);
#else
  storeLanes(p.data, v);
#endif
}
inline void storeLanes(Streamed<bf16> p, Lanes v) {
#if defined(__AVX512F__)
  _mm256_stream_si256(reinterpret_cast<__m256i*>(p.data), (__m256i)narrowLanes(v));
#else
  storeLanes(p.data, v);
#endif
}
template <class T>
void storePart(Streamed<T> p, int64_t n, Lanes v) {
  storePart(p.data, n, v);
}

// The element type of a pointer or Streamed.
template <class P>
struct Element;
template <class T>
struct Element<T*> {
  using type = T;
};
template <class T>
struct Element<Streamed<T>> {
  using type = T;
};
template <class P>
using ElementOf = typename Element<P>::type;

// Calls f with where to write a float tensor that is computed in runs of `run` elements: a pointer, or Streamed.
template <class F>
void withOutput(const Tensor& t, int64_t run, const F& f) {
  withFloats(t.phys, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    if (t.bytes() >= kStreamedBytes && run % kLanes == 0) {
      f(Streamed<T>{t.as<T>()});
    } else {
      f(t.as<T>());
    }
  });
}

}  // namespace uc

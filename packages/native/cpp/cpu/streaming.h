// Outputs that the caches cannot hold until they are read again, and stores that go round the caches. An ordinary store
// first reads the line that it overwrites, so that a kernel that reads one array and writes one moves three.
#pragma once

#include "lanes.h"

namespace uc {

// Outputs of this size and more are streamed.
constexpr int64_t kStreamedBytes = int64_t{16} << 20;

// The memory of a streamed output of f32: a vector is a whole line, stored at a multiple of kLanes elements. (Halves of a line,
// as vectors of bf16 are, gained nothing in what was measured.)
struct Streamed {
  float* data;
  Streamed operator+(int64_t n) const { return {data + n}; }
};

inline void storeLanes(Streamed p, Lanes v) {
#if defined(__AVX512F__)
  _mm512_stream_ps(p.data, (__m512)v);
#else
  storeLanes(p.data, v);
#endif
}
inline void storePart(Streamed p, int64_t n, Lanes v) { storePart(p.data, n, v); }

// The element type of a pointer or Streamed.
template <class P>
struct Element;
template <class T>
struct Element<T*> {
  using type = T;
};
template <>
struct Element<Streamed> {
  using type = float;
};
template <class P>
using ElementOf = typename Element<P>::type;

// Calls f with where to write a float tensor that is computed in runs of `run` elements: a pointer, or Streamed.
template <class F>
void withOutput(const Tensor& t, int64_t run, const F& f) {
  if (t.phys == Phys::BF16) {
    f(t.b16());
  } else if (t.bytes() >= kStreamedBytes && run % kLanes == 0) {
    f(Streamed{t.f32()});
  } else {
    f(t.f32());
  }
}

}  // namespace uc

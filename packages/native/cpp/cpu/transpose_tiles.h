// A matrix of words of 1, 2 or 4 bytes written with rows and columns exchanged. Memory bound: each word is read and written
// once, by tiles of 16 x 16 in registers, so that every line of 4-byte words moves once and whole.
//
// Rows of a result that no cache can hold are written by stores that go round the caches (streaming.h).
#pragma once

#include <algorithm>
#include <cstring>

#include "../runtime/parallel.h"
#include "streaming.h"
#include "transpose16.h"

namespace uc {

constexpr int64_t kTransposedTile = 16;

// to[j * toStride + i] = from[i * fromStride + j] for i < rows and j < cols, both at most kTransposedTile.
template <class T>
void transposePart(const T* from, int64_t fromStride, T* to, int64_t toStride, int64_t rows, int64_t cols) {
  for (int64_t j = 0; j < cols; ++j) {
    for (int64_t i = 0; i < rows; ++i) to[j * toStride + i] = from[i * fromStride + j];
  }
}

#ifdef __AVX512BW__
inline __m512i loadWords(const uint32_t* p) { return _mm512_loadu_si512(p); }
inline __m512i loadWords(const uint16_t* p) {
  return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline __m512i loadWords(const uint8_t* p) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
template <bool kStream>
void storeWords(uint32_t* p, __m512i words) {
  kStream ? _mm512_stream_si512(reinterpret_cast<__m512i*>(p), words) : _mm512_storeu_si512(p, words);
}
template <bool>
void storeWords(uint16_t* p, __m512i words) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(words));
}
template <bool>
void storeWords(uint8_t* p, __m512i words) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(words));
}
#endif

// A whole tile. kStream: the rows of `to` begin at whole lines.
template <bool kStream, class T>
void transposeTile(const T* from, int64_t fromStride, T* to, int64_t toStride) {
#ifdef __AVX512BW__
  __m512i words[kTransposedTile];
  for (int64_t i = 0; i < kTransposedTile; ++i) words[i] = loadWords(from + i * fromStride);
  transpose16(words);
  for (int64_t j = 0; j < kTransposedTile; ++j) storeWords<kStream>(to + j * toStride, words[j]);
#else
  transposePart(from, fromStride, to, toStride, kTransposedTile, kTransposedTile);
#endif
}

template <bool kStream, class T>
void transposeRows(const T* from, int64_t fromStride, T* to, int64_t toStride, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; i += kTransposedTile) {
    const int64_t height = std::min(kTransposedTile, rows - i);
    for (int64_t j = 0; j < cols; j += kTransposedTile) {
      const int64_t width = std::min(kTransposedTile, cols - j);
      const T* tile = from + i * fromStride + j;
      T* out = to + j * toStride + i;
      if (height == kTransposedTile && width == kTransposedTile) {
        transposeTile<kStream>(tile, fromStride, out, toStride);
      } else {
        transposePart(tile, fromStride, out, toStride, height, width);
      }
    }
  }
}

template <class T>
struct Transposed {
  const T* from;
  T* to;
};

// Exchanges rows and columns of `count` matrices; of(index) gives where one lies and where its transpose goes.
template <class T, class Of>
void transposeMatrices(int64_t count, const Of& of, int64_t fromStride, int64_t toStride, int64_t rows, int64_t cols) {
  constexpr int64_t kLine = 64;
  const bool large = sizeof(T) == 4 && count * rows * cols * static_cast<int64_t>(sizeof(T)) >= kStreamedBytes;
  // A thread writes runs of a band's height; pieces of a band are narrow, so that what is prefetched stays in the cache.
  constexpr int64_t kBand = 64, kPiece = 64;
  const int64_t bands = (rows + kBand - 1) / kBand, pieces = (cols + kPiece - 1) / kPiece;
  parallelFor(count * bands * pieces, std::min(kBand, rows) * std::min(kPiece, cols), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const Transposed<T> matrix = of(task / (bands * pieces));
      const int64_t i = task / pieces % bands * kBand, j = task % pieces * kPiece;
      const int64_t height = std::min(kBand, rows - i), width = std::min(kPiece, cols - j);
      const T* part = matrix.from + i * fromStride + j;
      T* out = matrix.to + j * toStride + i;
      const bool whole = reinterpret_cast<uintptr_t>(out) % kLine == 0 && toStride * static_cast<int64_t>(sizeof(T)) % kLine == 0;
      if (large && whole) {
        transposeRows<true>(part, fromStride, out, toStride, height, width);
      } else {
        transposeRows<false>(part, fromStride, out, toStride, height, width);
      }
    }
  });
}

}  // namespace uc

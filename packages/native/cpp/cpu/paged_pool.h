// Pools of keys and values in chunks, as the kernels of both devices read them.
#pragma once

#include <vector>

#include "../runtime/args.h"

namespace uc {

// Where a page begins: at position `position` of a chunk.
struct PagePlace {
  size_t chunk;
  int64_t position;
};

// Keys or values of one layer: chunks [pages, page, Hkv, D] that differ in their number of pages. Pages count through all
// chunks, so a pool grows by one more chunk and nothing is moved.
struct PagedPool {
  std::vector<Tensor> chunks;

  int64_t page() const { return chunks[0].dims[1]; }
  int64_t keyHeads() const { return chunks[0].dims[2]; }
  int64_t size() const { return chunks[0].dims[3]; }

  PagePlace place(int64_t index) const {
    int64_t rest = index;
    for (size_t chunk = 0; rest >= 0 && chunk < chunks.size(); ++chunk) {
      if (rest < chunks[chunk].dims[0]) return {chunk, rest * page()};
      rest -= chunks[chunk].dims[0];
    }
    fail("page " + std::to_string(index) + " does not exist");
  }

  std::vector<PagePlace> places(const std::vector<int64_t>& pages) const {
    std::vector<PagePlace> found;
    found.reserve(pages.size());
    for (int64_t page : pages) found.push_back(place(page));
    return found;
  }

  // Where position slot % page of page slot / page lies.
  PagePlace placeOfSlot(int64_t slot) const {
    if (slot < 0 || page() == 0) fail("slot " + std::to_string(slot) + " does not exist");
    const PagePlace start = place(slot / page());
    return {start.chunk, start.position + slot % page()};
  }

  // Both cut into the same chunks.
  bool fits(const PagedPool& other) const {
    if (chunks.size() != other.chunks.size()) return false;
    for (size_t i = 0; i < chunks.size(); ++i) {
      if (chunks[i].dims != other.chunks[i].dims) return false;
    }
    return true;
  }
};

// Number of chunks, then the chunks. @param changes whether the kernel writes into them
inline PagedPool readPool(Args& args, bool changes = false) {
  PagedPool pool;
  const int64_t count = args.integer();
  if (count < 1) fail("a pool of at least one chunk is needed");
  for (int64_t i = 0; i < count; ++i) {
    const Tensor chunk = changes ? args.targetTensor() : args.floatTensor();
    if (chunk.dims.rank() != 4 || chunk.immediate()) fail("chunks [pages, page, Hkv, D] of a pool are needed");
    const Tensor& first = i == 0 ? chunk : pool.chunks[0];
    if (chunk.phys != first.phys || chunk.dims[1] != first.dims[1] || chunk.dims[2] != first.dims[2] ||
        chunk.dims[3] != first.dims[3]) {
      fail("the chunks of a pool must be of one type and differ in their number of pages only");
    }
    pool.chunks.push_back(chunk);
  }
  return pool;
}

// What attention over pools reads.
struct PagedOperands {
  Tensor q, k, v;
  PagedPool keys, values;

  explicit PagedOperands(Args& args)
      : q(args.floatTensor()), k(args.floatTensor()), v(args.floatTensor()), keys(readPool(args)), values(readPool(args)) {
    if (q.dims.rank() != 3 || k.dims.rank() != 3 || k.dims != v.dims || k.dims[0] != q.dims[0] || k.dims[2] != q.dims[2] ||
        !keys.fits(values) || keys.keyHeads() != k.dims[1] || keys.size() != k.dims[2] || k.dims[1] == 0 ||
        q.dims[1] % k.dims[1] != 0) {
      fail("q [n, Hq, D], k and v [n, Hkv, D], pools [pages, page, Hkv, D] are needed");
    }
  }

  // Pages that a past of `length` positions fills, of which `listed` are in its table.
  int64_t pagesOf(int64_t length, int64_t listed) const {
    const int64_t page = keys.page();
    if (length < 0 || (length > 0 && page == 0)) fail("a past of " + std::to_string(length) + " positions does not exist");
    const int64_t used = length == 0 ? 0 : (length + page - 1) / page;
    if (used > listed) fail("the page table does not cover the past");
    return used;
  }
};

// What is written into a pool: a chunk [n, Hkv, D], and n slots.
inline void checkWrite(const PagedPool& pool, const Tensor& rows, const std::vector<int64_t>& slots) {
  if (rows.dims.rank() != 3 || rows.dims[1] != pool.keyHeads() || rows.dims[2] != pool.size() ||
      static_cast<int64_t>(slots.size()) != rows.dims[0]) {
    fail("pool [pages, page, Hkv, D], rows [n, Hkv, D] and n slots are needed");
  }
}

}  // namespace uc

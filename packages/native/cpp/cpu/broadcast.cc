#include "broadcast.h"

namespace uc {

Dims broadcastShapes(const Dims& a, const Dims& b) {
  const int rank = std::max(a.rank(), b.rank());
  Dims shape;
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a.rank());
    const int ib = i - (rank - b.rank());
    const int64_t sa = ia < 0 ? 1 : a[ia];
    const int64_t sb = ib < 0 ? 1 : b[ib];
    if (sa != sb && sa != 1 && sb != 1) fail("shapes " + a.text() + " and " + b.text() + " do not broadcast");
    shape.push(sa == 1 ? sb : sa);
  }
  return shape;
}

BroadcastMap::BroadcastMap(const Dims& from, const Dims& to) {
  const int shift = to.rank() - from.rank();
  if (shift < 0) fail("shape " + from.text() + " does not broadcast to " + to.text());
  std::array<int64_t, Dims::kMaxRank> full{};
  int64_t stride = 1;
  for (int i = to.rank() - 1; i >= 0; --i) {
    const int64_t size = i < shift ? 1 : from[i - shift];
    if (size != to[i] && size != 1) fail("shape " + from.text() + " does not broadcast to " + to.text());
    full[i] = size == 1 ? 0 : stride;
    stride *= size;
  }
  for (int i = 0; i < to.rank(); ++i) {
    if (to[i] == 1) continue;
    // Merge with the dimension before when the two are walked as one.
    if (rank > 0 && strides[rank - 1] == full[i] * to[i]) {
      sizes[rank - 1] *= to[i];
      strides[rank - 1] = full[i];
    } else {
      sizes[rank] = to[i];
      strides[rank] = full[i];
      ++rank;
    }
  }
}

}  // namespace uc

// Panels of matrices that are multiplied by again and again: the weights of a model that is only read.
//
// A training step uses each order of a weight once or twice before the optimizer changes it; keeping it would cost memory
// for nothing. So the panels are kept from the third use of the same values on, together with their slot: they go when the
// slot is released or changed in place. Only bf16 panels are kept, and only up to kKeptBytes per instance: a small model
// (or the adapters of a large one) gains, a large one is not held in memory twice.
#pragma once

#include <memory>

#include "panels.h"

namespace uc {

constexpr int64_t kKeptBytes = int64_t{256} << 20;

// The panels kept for `from` in this order, or null.
const uint32_t* keptPanels(Context& context, const Matrix& from, const Panels& shape);

// Counts a use of `from`. When it is time to keep its panels: memory that the caller must fill; otherwise null.
uint32_t* panelsToKeep(Context& context, const Matrix& from, const Panels& shape);

}  // namespace uc

// Settings that come from environment variables.
#pragma once

#include <cstdint>
#include <optional>

namespace uc {

// The whole number in environment variable `name`; nothing when it is unset or empty. Throws KernelError when it is
// not a number in [low, high].
std::optional<int64_t> environmentInteger(const char* name, int64_t low, int64_t high);

}  // namespace uc

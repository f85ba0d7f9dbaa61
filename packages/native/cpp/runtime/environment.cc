#include "environment.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tensor.h"

namespace uc {

std::optional<int64_t> environmentInteger(const char* name, int64_t low, int64_t high) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return std::nullopt;
  int64_t value = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, value);
  if (error != std::errc() || stop != end || value < low || value > high) {
    fail(std::string(name) + ": expected a whole number from " + std::to_string(low) + " to " + std::to_string(high) +
         ", found '" + text + "'");
  }
  return value;
}

}  // namespace uc

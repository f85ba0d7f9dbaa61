// What this machine can do at most, for the share that packages/native/bench prints.
//   native_limits product bf16 1024 1024 1024 N T 500
//   native_limits convolution data f32 1 64 64 64 3 500
//   native_limits copy 134217728 500
// The last number is the time to spend in milliseconds. The words are explained in limits.h.
#include <cstdio>
#include <exception>
#include <map>

#include "limits.h"

int main(int argc, char** argv) {
  const Words words(argv + 1, argv + argc);
  const std::map<std::string, std::pair<void (*)(const Words&), size_t>> known = {
      {"product", {product, 8}}, {"convolution", {convolution, 9}}, {"copy", {copy, 3}}};
  const auto found = words.empty() ? known.end() : known.find(words[0]);
  if (found == known.end() || words.size() != found->second.second) {
    std::fprintf(stderr, "native_limits: expected product, convolution or copy with its arguments; see limits.h\n");
    return 2;
  }
  try {
    found->second.first(words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "native_limits %s: %s\n", words[0].c_str(), error.what());
    return 1;
  }
}

// The measurements of native_limits. Each prints one JSON line {"median", "min", "repeats", "check", "note"}, times in
// milliseconds, or {"skipped": why}.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

using Words = std::vector<std::string>;

// product f32|bf16 M K N N|T N|T BUDGET: y [M, N] = a·b on oneDNN, row-major, y of the type of a and b.
void product(const Words& words);
// convolution forward|data|filter f32|bf16 BATCH SIZE IN OUT KERNEL BUDGET: stride 1, same padding, images NHWC.
void convolution(const Words& words);
// copy BYTES BUDGET: an array of BYTES / 2 is read and another written, by both threads.
void copy(const Words& words);

// Commands written by test/fuzz/write-commands.mjs, one item a line:
//   buffer <phys> <count> <n> <n values, repeated up to count; bf16 as bits>
//   call <kernel> <n> <n integers> <m> <m reals>
// Buffer number i of the file is slot i of the commands.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../runtime/context.h"

namespace uc::test {

struct BufferItem {
  Phys phys;
  int64_t count;
  std::vector<double> values;
};

struct CallItem {
  std::string kernel;
  std::vector<int32_t> ints;
  std::vector<double> reals;
};

struct CommandFile {
  std::vector<BufferItem> buffers;
  std::vector<CallItem> calls;
};

// Throws std::runtime_error with the line when the file is not of this form.
CommandFile readCommandFile(const std::string& path);

// Makes the buffers in a fresh context.
void createBuffers(Context& context, const CommandFile& file);

}  // namespace uc::test

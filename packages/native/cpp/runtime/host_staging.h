// Runs a CPU kernel on slots of another device: every tensor that it reads is copied to host memory, what it makes or
// changes is copied back. Correct and slow; counted as a fallback by src/backend.ts.
#pragma once

#include <list>

#include "context.h"
#include "tensor.h"

namespace uc {

class HostStaging {
 public:
  explicit HostStaging(Context& context) : context_(context) {}
  HostStaging(const HostStaging&) = delete;
  HostStaging& operator=(const HostStaging&) = delete;

  // The host copy of a slot, made on first use; without `load` its contents are left uninitialised.
  void* copyOf(int32_t slot, bool load);
  // Copies everything back, inputs too: a kernel may have changed them in place.
  void store();

 private:
  struct Copy {
    Copy(Context& context, int32_t slot, size_t bytes)
        : slot(slot), bytes(bytes), memory(context, static_cast<int64_t>(bytes)) {}
    int32_t slot;
    size_t bytes;
    Scratch<char> memory;
  };
  Context& context_;
  std::list<Copy> copies_;
};

}  // namespace uc

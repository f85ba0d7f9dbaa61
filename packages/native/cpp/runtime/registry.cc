#include "registry.h"

#include <new>

namespace uc {

void Registry::add(const std::string& name, Kernel kernel) {
  if (!index_.emplace(name, names_.size()).second) throw std::logic_error("kernel " + name + " is registered twice");
  names_.push_back(name);
  kernels_.push_back(std::move(kernel));
}

void Registry::run(Context& context, int64_t index, Args& args, Results& results) const {
  if (index < 0 || index >= static_cast<int64_t>(kernels_.size())) {
    throw KernelError("native kernel number " + std::to_string(index) + " does not exist");
  }
  std::string reason;
  try {
    kernels_[index](context, args, results);
    args.finish();
    return;
  } catch (const std::bad_alloc&) {
    reason = "out of memory";
  } catch (const std::exception& error) {
    reason = error.what();
  }
  throw KernelError(names_[index] + ": " + reason + " (given " + args.described() + ")");
}

}  // namespace uc

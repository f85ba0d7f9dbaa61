#include "registry.h"

#include <new>

namespace uc {

void Registry::add(const std::string& name, Kernel kernel) {
  if (!index_.emplace(name, names_.size()).second) throw std::logic_error("kernel " + name + " is registered twice");
  names_.push_back(name);
  kernels_.push_back({std::move(kernel), nullptr});
}

void Registry::addCuda(const std::string& name, Kernel kernel) {
  const auto found = index_.find(name);
  if (found == index_.end()) throw std::logic_error("kernel " + name + " has a CUDA version but no CPU version");
  if (kernels_[found->second].cuda) throw std::logic_error("the CUDA version of kernel " + name + " is registered twice");
  kernels_[found->second].cuda = std::move(kernel);
}

void Registry::runVersion(Context& context, size_t index, Args& args, Results& results) const {
  const Versions& kernel = kernels_[index];
  if (context.device() == Device::Cpu) {
    kernel.cpu(context, args, results);
    args.finish();
  } else if (kernel.cuda) {
    context.memory().beginKernel(static_cast<int64_t>(index));
    kernel.cuda(context, args, results);
    args.finish();
    context.memory().endKernel();
  } else {
    HostStaging staging(context);
    args.stageOnHost(staging);
    results.stageOnHost(staging);
    kernel.cpu(context, args, results);
    args.finish();
    staging.store();
  }
}

void Registry::run(Context& context, int64_t index, Args& args, Results& results) const {
  if (index < 0 || index >= static_cast<int64_t>(kernels_.size())) {
    throw KernelError("native kernel number " + std::to_string(index) + " does not exist");
  }
  std::string reason;
  try {
    return runVersion(context, static_cast<size_t>(index), args, results);
  } catch (const std::bad_alloc&) {
    reason = "out of memory";
  } catch (const std::exception& error) {
    reason = error.what();
  }
  throw KernelError(names_[index] + ": " + reason + " (given " + args.described() + ")");
}

}  // namespace uc

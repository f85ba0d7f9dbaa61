// The table of kernels: name -> function per device. JavaScript calls by index.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "args.h"
#include "context.h"

namespace uc {

using Kernel = std::function<void(Context&, Args&, Results&)>;

class Registry {
 public:
  // Registers the CPU function of a kernel; a name may be registered once.
  void add(const std::string& name, Kernel kernel);
  // Registers the CUDA function of a kernel that has a CPU function.
  void addCuda(const std::string& name, Kernel kernel);
  const std::vector<std::string>& names() const { return names_; }
  bool runsOn(Device device, size_t index) const { return device == Device::Cpu || kernels_[index].cuda; }

  // Runs kernel `index` on the command, on the device of the context; without a version for that device, on host copies.
  // Any failure becomes a KernelError that names the kernel and its shapes.
  void run(Context& context, int64_t index, Args& args, Results& results) const;

 private:
  struct Versions {
    Kernel cpu, cuda;
  };
  void runVersion(Context& context, size_t index, Args& args, Results& results) const;

  std::vector<std::string> names_;
  std::vector<Versions> kernels_;
  std::unordered_map<std::string, size_t> index_;
};

// The kernels of this build, made once per process. Each family registers itself in cpu/register.cc and cuda/register.cu.
const Registry& registry();

}  // namespace uc

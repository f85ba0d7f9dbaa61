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
  const std::vector<std::string>& names() const { return names_; }

  // Runs kernel `index` on the command. Any failure becomes a KernelError that names the kernel and its shapes.
  void run(Context& context, int64_t index, Args& args, Results& results) const;

 private:
  std::vector<std::string> names_;
  std::vector<Kernel> kernels_;
  std::unordered_map<std::string, size_t> index_;
};

// The kernels of this build, made once per process. Each family registers itself in cpu/register.cc.
const Registry& registry();

}  // namespace uc

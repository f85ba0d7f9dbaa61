// Tests of the native code without Node, meant for a build with sanitizers (npx nx run native:sanitize):
// the cases of the other files, and all commands of a file (see command_file.h), as one test per kernel.
#include <algorithm>
#include <cstdlib>
#include <map>

#include "../runtime/registry.h"
#include "../runtime/threads.h"
#include "check.h"
#include "command_file.h"

namespace {

using uc::test::CallItem;
using uc::test::Case;

// A command may run or be refused, in the form that addon.cc hands on; it must not leave a buffer behind.
void send(uc::Context& context, int64_t op, const CallItem& call) {
  const size_t before = context.slots.liveBuffers();
  {
    uc::Args args(context, call.ints.data(), static_cast<int64_t>(call.ints.size()), call.reals.data(),
                  static_cast<int64_t>(call.reals.size()));
    uc::Results results(context);
    try {
      uc::registry().run(context, op, args, results);
      for (int32_t slot : results.commit()) context.slots.release(slot);
    } catch (const uc::KernelError& error) {
      if (std::string(error.what()).rfind(call.kernel + ": ", 0) != 0) throw;
    }
  }
  uc::test::checkEqual(context.slots.liveBuffers(), before, "live buffers after a call");
}

std::vector<Case> casesOf(uc::Context& context, const uc::test::CommandFile& file) {
  std::map<std::string, std::vector<const CallItem*>> byKernel;
  for (const CallItem& call : file.calls) byKernel[call.kernel].push_back(&call);
  const std::vector<std::string>& names = uc::registry().names();
  std::vector<Case> made;
  for (const auto& [kernel, calls] : byKernel) {
    const int64_t op = std::find(names.begin(), names.end(), kernel) - names.begin();
    made.push_back({kernel, [&context, op, calls = calls] {
                      for (const CallItem* call : calls) send(context, op, *call);
                    }});
  }
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  // Absurd outputs are refused instead of filled, and every freed block goes back to the sanitizer at once.
  setenv("UNICHARACTER_MEMORY_MB", "48", 1);
  setenv("UNICHARACTER_CACHE_MB", "0", 1);
  uc::startThreads();
  int passed = 0, failed = 0;
  const auto run = [&](const std::vector<Case>& list) {
    for (const Case& one : list) (passes(one) ? passed : failed)++;
  };
  run(uc::test::cases());
  for (int i = 1; i < argc; ++i) {
    uc::Context context;
    const uc::test::CommandFile file = uc::test::readCommandFile(argv[i]);
    uc::test::createBuffers(context, file);
    run(casesOf(context, file));
    std::cout << file.calls.size() << " commands\n";
  }
  std::cout << passed << " passed, " << failed << " failed\n";
  return failed == 0 ? 0 : 1;
}

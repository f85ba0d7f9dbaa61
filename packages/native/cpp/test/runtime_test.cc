// Slots, allocator, shapes and the reader of commands, with well-formed and malformed input.
#include <cstdlib>
#include <cstring>
#include <optional>

#include "../runtime/context.h"
#include "../runtime/environment.h"
#include "../runtime/registry.h"
#include "../runtime/threads.h"
#include "check.h"

namespace uc {

namespace {

using test::checkFails;

// An environment variable for the life of the object.
class Setting {
 public:
  Setting(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    setenv(name, value, 1);
  }
  ~Setting() { before_ ? setenv(name_, before_->c_str(), 1) : unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

// Reads a command of plain integers with `read`.
template <class F>
void withArgs(Context& context, const std::vector<int32_t>& ints, const std::vector<double>& reals, const F& read) {
  Args args(context, ints.data(), static_cast<int64_t>(ints.size()), reals.data(), static_cast<int64_t>(reals.size()));
  read(args);
}

}  // namespace

UC_TEST("a slot is live from create to release, and its number is used again") {
  Context context;
  const int32_t a = context.slots.create(100, Phys::F32);
  const int32_t b = context.slots.create(0, Phys::U8);
  UC_EQUAL(context.slots.liveBuffers(), 2u);
  UC_EQUAL(context.slots.at(a).count, 100);
  context.slots.release(a);
  checkFails([&] { context.slots.at(a); }, "names no live buffer");
  checkFails([&] { context.slots.release(a); }, "names no live buffer");
  for (int32_t slot : {-1, 2, INT32_MAX, INT32_MIN}) checkFails([&] { context.slots.at(slot); }, "names no live buffer");
  UC_EQUAL(context.slots.create(5, Phys::BF16), a);
  context.slots.release(a);
  context.slots.release(b);
  UC_EQUAL(context.slots.liveBuffers(), 0u);
  UC_EQUAL(context.allocator.liveBytes(), 0u);
}

UC_TEST("every block is as large as asked for, aligned, and at most a quarter larger") {
  const auto memory = hostMemory();
  Allocator allocator(*memory);
  for (size_t bytes = 1; bytes < (size_t{1} << 22); bytes = bytes * 9 / 8 + 1) {
    size_t capacity = 0;
    void* block = allocator.allocate(bytes, capacity);
    UC_EQUAL(reinterpret_cast<uintptr_t>(block) % 64, 0u);
    UC_EQUAL(capacity >= bytes && (capacity <= 64 || capacity <= bytes + bytes / 4 + 16), true);
    std::memset(block, 1, bytes);
    allocator.release(block, capacity);
  }
  UC_EQUAL(allocator.liveBytes(), 0u);
}

UC_TEST("beyond the limit nothing is taken, and cached blocks make room") {
  const Setting limit("UNICHARACTER_MEMORY_MB", "8"), cache("UNICHARACTER_CACHE_MB", "8");
  const auto memory = hostMemory();
  Allocator allocator(*memory);
  size_t capacity = 0, other = 0;
  void* block = allocator.allocate(size_t{5} << 20, capacity);
  checkFails([&] { allocator.allocate(size_t{4} << 20, other); }, "the limit is 8 MiB");
  checkFails([&] { allocator.allocate(~size_t{0} / 2, other); }, "out of memory");
  UC_EQUAL(allocator.liveBytes(), capacity);
  allocator.release(block, capacity);
  UC_EQUAL(allocator.cachedBytes(), capacity);
  block = allocator.allocate(size_t{7} << 20, other);
  UC_EQUAL(allocator.cachedBytes(), 0u);
  allocator.release(block, other);
}

UC_TEST("shapes refuse negative sizes, too many dimensions and too many elements") {
  checkFails([] { Dims{2, -1}; }, "negative dimension");
  checkFails([] { Dims{1, 1, 1, 1, 1, 1, 1, 1, 1}; }, "more than 8 dimensions");
  checkFails([] { Dims({INT32_MAX, INT32_MAX, INT32_MAX}).count(); }, "too many elements");
  checkFails([] { Dims().withLast(3); }, "at least one dimension");
  UC_EQUAL((Dims{INT32_MAX, 0, INT32_MAX}.count()), 0);
  UC_EQUAL((Dims{3, 0}.rows()), 3);
  UC_EQUAL((Dims{3, 4}.withLast(7).text()), "[3,7]");
}

UC_TEST("malformed commands are refused") {
  Context context;
  const int32_t slot = context.slots.create(6, Phys::F32);
  const auto refused = [&](const std::vector<int32_t>& ints, const std::vector<double>& reals, const char* part) {
    checkFails([&] { withArgs(context, ints, reals, [](Args& args) { args.tensor(); }); }, part);
  };
  refused({}, {}, "too few integers");
  refused({-1}, {}, "a tensor is missing");
  refused({slot}, {}, "too few integers");
  refused({slot, 2, 2}, {}, "too few integers");
  refused({slot, -1}, {}, "a shape of rank -1");
  refused({slot, INT32_MAX}, {}, "a shape of rank");
  refused({slot, 2, 2, 4}, {}, "does not fit a buffer of 6 elements");
  refused({slot, 2, -2, -3}, {}, "negative dimension");
  refused({slot + 1, 1, 6}, {}, "names no live buffer");
  refused({-2, 1, 1}, {}, "too few reals");
  refused({-2, 1, 2}, {1.0}, "an immediate scalar of shape [2]");
  refused({INT32_MIN, 0}, {1.0}, "an immediate of unknown type");
  checkFails([&] { withArgs(context, {5, 1, 2}, {}, [](Args& args) { args.integers(); }); }, "a list of length 5");
  checkFails([&] { withArgs(context, {-5}, {}, [](Args& args) { args.integers(); }); }, "a list of length -5");
  checkFails([&] { withArgs(context, {1, 2}, {}, [](Args& args) { args.integer(), args.finish(); }); }, "more arguments");
  context.slots.release(slot);
}

UC_TEST("immediate scalars of every type, also absurd ones, are read") {
  Context context;
  for (const double value : {0.0, -3.5, 1e300, -1e300, 0.0 / 0.0, 1.0 / 0.0}) {
    for (int32_t phys = 0; phys < 4; ++phys) {
      withArgs(context, {-2 - phys, 0}, {value}, [](Args& args) { UC_EQUAL(args.tensor().count, 1); });
    }
  }
}

UC_TEST("what a failing kernel made is freed, and its error names kernel and shapes") {
  Registry registry;
  registry.add("Half", [](Context&, Args& args, Results& results) {
    results.make(args.tensor().dims, Phys::F32);
    fail("stopped half-way");
  });
  Context context;
  const int32_t slot = context.slots.create(6, Phys::F32);
  const std::vector<int32_t> ints = {slot, 2, 2, 3};
  Args args(context, ints.data(), 4, nullptr, 0);
  checkFails(
      [&] {
        Results results(context);
        registry.run(context, 0, args, results);
      },
      "Half: stopped half-way (given [2,3] f32)");
  UC_EQUAL(context.slots.liveBuffers(), 1u);
  Results none(context);
  checkFails([&] { registry.run(context, 1, args, none); }, "number 1 does not exist");
  checkFails([&] { registry.run(context, -1, args, none); }, "number -1 does not exist");
  context.slots.release(slot);
}

UC_TEST("settings from the environment are whole numbers in their range") {
  const auto read = [](const char* text, int64_t high) {
    const Setting setting("UC_TEST_SETTING", text);
    return environmentInteger("UC_TEST_SETTING", 1, high);
  };
  UC_EQUAL(read("12", 20).value(), 12);
  UC_EQUAL(read("", 20).has_value(), false);
  checkFails([&] { read("12", 11); }, "from 1 to 11, found '12'");
  checkFails([&] { read("12 MB", 20); }, "found '12 MB'");
}

UC_TEST("the team has the size that was set") {
  startThreads();
  const int before = threads();
  setThreads(3);
  UC_EQUAL(threads(), 3);
  checkFails([] { setThreads(0); }, "found 0");
  checkFails([] { setThreads(kMaxThreads + 1); }, "expected 1 to 1024");
  setThreads(before);
}

}  // namespace uc

// Fibers start with makecontext() and switch with _setjmp()/_longjmp(), which make no system call.
#include "scheduler.h"

#include <algorithm>
#include <csetjmp>
#include <memory>
#include <string>
#include <vector>

#include <ucontext.h>

#include "../../runtime/tensor.h"

namespace uc::emulator {

Position position;

namespace {

constexpr size_t kStackBytes = size_t{256} << 10;
constexpr unsigned kMostThreads = 1024, kWarpSize = 32;
constexpr size_t kMostShared = size_t{227} << 10;  // of a block on sm_90

enum class State { Ready, AtBlockBarrier, AtWarpBarrier, Done };

struct Fiber {
  State state = State::Ready;
  bool started = false;
  Dim3 thread;
  jmp_buf resumePoint;
  ucontext_t start;
  std::unique_ptr<char[]> stack{new char[kStackBytes]};
};

std::vector<Fiber> fibers;
Fiber* running = nullptr;
jmp_buf schedulerPoint;
const std::function<void()>* kernelBody = nullptr;
uint64_t slots[kMostThreads];
alignas(64) char sharedMemory[kMostShared];

void yield() {
  if (_setjmp(running->resumePoint) == 0) _longjmp(schedulerPoint, 1);
}

// A fiber runs one thread of one block after another for ever.
void fiberMain() {
  for (;;) {
    (*kernelBody)();
    running->state = State::Done;
    yield();
  }
}

void resume(Fiber& fiber) {
  running = &fiber;
  position.thread = fiber.thread;
  if (_setjmp(schedulerPoint) != 0) return;
  if (fiber.started) _longjmp(fiber.resumePoint, 1);
  fiber.started = true;
  getcontext(&fiber.start);
  fiber.start.uc_stack.ss_sp = fiber.stack.get();
  fiber.start.uc_stack.ss_size = kStackBytes;
  fiber.start.uc_link = nullptr;
  makecontext(&fiber.start, fiberMain, 0);
  setcontext(&fiber.start);
}

// Opens a barrier that all of [begin, end) have reached. False when none of them waits there.
bool openBarrier(unsigned begin, unsigned end, State barrier) {
  unsigned waiting = 0;
  for (unsigned i = begin; i < end; ++i) waiting += fibers[i].state == barrier;
  if (waiting < end - begin) return false;
  for (unsigned i = begin; i < end; ++i) fibers[i].state = State::Ready;
  return true;
}

bool openBarriers(unsigned threads) {
  bool opened = openBarrier(0, threads, State::AtBlockBarrier);
  for (unsigned first = 0; first < threads; first += kWarpSize) {
    opened |= openBarrier(first, std::min(first + kWarpSize, threads), State::AtWarpBarrier);
  }
  return opened;
}

void runBlock(unsigned threads, bool descending) {
  for (unsigned i = 0; i < threads; ++i) {
    const Dim3& size = position.blockSize;
    fibers[i].state = State::Ready;
    fibers[i].thread = Dim3(i % size.x, i / size.x % size.y, i / (size.x * size.y));
  }
  for (;;) {
    for (unsigned i = 0; i < threads; ++i) {
      Fiber& fiber = fibers[descending ? threads - 1 - i : i];
      if (fiber.state == State::Ready) resume(fiber);
    }
    if (openBarriers(threads)) continue;
    unsigned done = 0;
    for (unsigned i = 0; i < threads; ++i) done += fibers[i].state == State::Done;
    if (done == threads) return;
    fibers.clear();
    fail("a barrier that only some threads of a block reach");
  }
}

void runPlainly(unsigned threads, const std::function<void()>& body) {
  running = nullptr;
  for (unsigned i = 0; i < threads; ++i) {
    position.thread = Dim3(i);
    body();
  }
}

}  // namespace

void runGrid(Dim3 grid, Dim3 block, size_t sharedBytes, bool barriers, const std::function<void()>& body) {
  const unsigned threads = block.x * block.y * block.z;
  if (threads == 0 || threads > kMostThreads || grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.y > 65535 ||
      grid.z > 65535) {
    fail("a launch of " + std::to_string(grid.x) + " blocks of " + std::to_string(threads) + " threads");
  }
  if (sharedBytes > kMostShared) fail("a launch with " + std::to_string(sharedBytes) + " bytes of shared memory");
  if (barriers && fibers.size() < threads) fibers = std::vector<Fiber>(threads);
  kernelBody = &body;
  position.gridSize = grid;
  position.blockSize = block;
  bool descending = false;
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        position.block = Dim3(x, y, z);
        if (barriers) {
          runBlock(threads, descending);
          descending = !descending;
        } else {
          runPlainly(threads, body);
        }
      }
    }
  }
}

void syncBlock() {
  if (running == nullptr) fail("a barrier in a kernel that was launched without barriers");
  running->state = State::AtBlockBarrier;
  yield();
}

void syncWarp() {
  if (running == nullptr) fail("a barrier in a kernel that was launched without barriers");
  running->state = State::AtWarpBarrier;
  yield();
}

void* dynamicShared() { return sharedMemory; }

int lane() {
  const Dim3& size = position.blockSize;
  return static_cast<int>((position.thread.x + size.x * (position.thread.y + size.y * position.thread.z)) % kWarpSize);
}

uint64_t* warpSlots() {
  const Dim3& size = position.blockSize;
  const unsigned thread = position.thread.x + size.x * (position.thread.y + size.y * position.thread.z);
  return slots + thread / kWarpSize * kWarpSize;
}

}  // namespace uc::emulator

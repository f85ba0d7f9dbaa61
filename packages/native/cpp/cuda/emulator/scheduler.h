// Runs the threads of a block as fibers in lock-step: each runs until it waits at a barrier or ends.
//
// Every other block runs its threads in descending order, so that a missing barrier shows as a wrong result. A barrier that
// some threads of the block (or warp) never reach is an error, as are more than 1,024 threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

namespace uc::emulator {

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
  Dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

struct Position {
  Dim3 thread, block, blockSize, gridSize;
};

// Of the thread that runs now.
extern Position position;

// Runs `body` once per thread of the grid. Without `barriers` the threads are plain calls: faster, and a barrier is an error.
void runGrid(Dim3 grid, Dim3 block, size_t sharedBytes, bool barriers, const std::function<void()>& body);

void syncBlock();
void syncWarp();
void* dynamicShared();
int lane();
// 64 bits per lane of the running thread's warp.
uint64_t* warpSlots();

// Every thread of a warp gives a value and takes the one of `from`.
template <class T>
T exchange(T value, int from) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  uint64_t* slots = warpSlots();
  std::memcpy(slots + lane(), &value, sizeof(T));
  syncWarp();
  T taken;
  std::memcpy(&taken, slots + (from & 31), sizeof(T));
  syncWarp();
  return taken;
}

}  // namespace uc::emulator

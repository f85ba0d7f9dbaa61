// The team of OpenMP threads that kernels and oneDNN share.
//
// OpenMP keeps its settings per native thread, so every instance of the addon (one per JavaScript thread) sets its own.
// Each JavaScript thread has one team: T - 1 helpers that its kernels and oneDNN wake in turn. The helpers end with it.
#pragma once

namespace uc {

constexpr int kMaxThreads = 1024;

// Settles the calling thread's team: UNICHARACTER_THREADS, else what OpenMP offers (OMP_NUM_THREADS, or the processors of
// the machine). Throws KernelError when the variable is not a number from 1 to kMaxThreads.
void startThreads();

// Team size of the regions that the calling thread opens from now on, at most OMP_THREAD_LIMIT.
// Primitives compiled for another size must not be used any more: see Context::forgetStates().
void setThreads(int count);

int threads();

}  // namespace uc

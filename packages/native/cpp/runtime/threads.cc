#include "threads.h"

#include <omp.h>

#include <algorithm>
#include <string>

#include "environment.h"
#include "tensor.h"

namespace uc {

void setThreads(int count) {
  if (count < 1 || count > kMaxThreads) {
    fail("setThreads: expected 1 to " + std::to_string(kMaxThreads) + " threads, found " + std::to_string(count));
  }
  omp_set_num_threads(std::min(count, omp_get_thread_limit()));
}

void startThreads() {
  // oneDNN divides its work by the team size it asked for. With OMP_DYNAMIC a busy machine gives a smaller team, and the
  // parts of the missing threads would stay unwritten.
  omp_set_dynamic(0);
  setThreads(static_cast<int>(
      environmentInteger("UNICHARACTER_THREADS", 1, kMaxThreads).value_or(std::min(omp_get_max_threads(), kMaxThreads))));
}

int threads() { return omp_get_max_threads(); }

}  // namespace uc

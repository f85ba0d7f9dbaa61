// Device detection through the statically linked CUDA runtime: the addon loads without a driver and reports no device.
#include <cuda_runtime_api.h>

#include "device.h"

namespace uc {

int cudaDeviceCount() {
  static const int count = [] {
    int n = 0;
    return cudaGetDeviceCount(&n) == cudaSuccess ? n : 0;
  }();
  return count;
}

}  // namespace uc

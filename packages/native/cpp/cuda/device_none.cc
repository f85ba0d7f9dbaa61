#include "../runtime/tensor.h"
#include "device.h"

namespace uc {

int cudaDeviceCount() { return 0; }

std::string cudaDeviceName() { return {}; }

std::string cublasLtPath() { return {}; }

std::unique_ptr<DeviceMemory> openCudaDevice() {
  fail("this addon was built without CUDA; build it where nvcc is installed, or choose the device 'cpu'");
}

void registerCuda(Registry&) {}

}  // namespace uc

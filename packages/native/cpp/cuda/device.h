// What the rest of the addon knows of CUDA. Built without CUDA (device_none.cc), or on a machine without a GPU, there are no
// devices.
#pragma once

#include <memory>
#include <string>

#include "../runtime/device.h"

namespace uc {

class Registry;

// Number of usable CUDA devices; 0 when the addon was built without CUDA, or no driver or device is present.
int cudaDeviceCount();
// Name of the device that openCudaDevice() gives, with its compute capability; empty when there is none.
std::string cudaDeviceName();
// The cuBLASLt library that matrix products use, opened at the first call; empty when there is none.
std::string cublasLtPath();
// The memory and stream of a device for one context. Throws KernelError with the reason when there is none.
std::unique_ptr<DeviceMemory> openCudaDevice();
// Adds the CUDA versions of the kernels.
void registerCuda(Registry& registry);

}  // namespace uc

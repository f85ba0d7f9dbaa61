// Which GPUs this process can use. Built without CUDA, or on a machine without a GPU, there are none.
#pragma once

namespace uc {

// Number of usable CUDA devices; 0 when the addon was built without CUDA, or no driver or device is present.
int cudaDeviceCount();

}  // namespace uc

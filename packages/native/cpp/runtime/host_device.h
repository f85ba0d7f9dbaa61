// Marks a function that host code and CUDA kernels share.
#pragma once

#if defined(__CUDACC__)
#define UC_HD __host__ __device__
#else
#define UC_HD
#endif

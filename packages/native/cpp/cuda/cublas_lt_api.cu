#include "cublas_lt_api.h"

#include "device.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string>

namespace uc::lt {

namespace {

struct Library {
  Api api{};
  std::string path;
};

template <class F>
bool find(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  return function != nullptr;
}

bool load(const std::string& path, Library& into) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return false;
  Api& a = into.api;
  const bool complete =
      find(library, "cublasLtCreate", a.create) && find(library, "cublasLtDestroy", a.destroy) &&
      find(library, "cublasLtMatmulDescCreate", a.descCreate) && find(library, "cublasLtMatmulDescDestroy", a.descDestroy) &&
      find(library, "cublasLtMatmulDescSetAttribute", a.descSet) &&
      find(library, "cublasLtMatrixLayoutCreate", a.layoutCreate) &&
      find(library, "cublasLtMatrixLayoutDestroy", a.layoutDestroy) &&
      find(library, "cublasLtMatrixLayoutSetAttribute", a.layoutSet) &&
      find(library, "cublasLtMatmulPreferenceCreate", a.preferenceCreate) &&
      find(library, "cublasLtMatmulPreferenceDestroy", a.preferenceDestroy) &&
      find(library, "cublasLtMatmulPreferenceSetAttribute", a.preferenceSet) &&
      find(library, "cublasLtMatmulAlgoGetHeuristic", a.heuristic) && find(library, "cublasLtMatmul", a.matmul);
  if (complete) into.path = path;
  return complete;
}

Library open() {
  Library library;
#ifndef UC_CUDA_EMULATED
  const char* own = std::getenv("UNICHARACTER_CUBLASLT");
  if (own != nullptr && load(own, library)) return library;
  for (const char* folder : {"", "/usr/local/cuda/lib64/", "/usr/lib/x86_64-linux-gnu/", "/opt/cuda/lib64/"}) {
    for (const char* name : {"libcublasLt.so.13", "libcublasLt.so.12"}) {
      if (load(std::string(folder) + name, library)) return library;
    }
  }
#else
  (void)load;
#endif
  return library;
}

const Library& library() {
  static const Library opened = open();
  return opened;
}

}  // namespace

const Api* api() { return library().path.empty() ? nullptr : &library().api; }

}  // namespace uc::lt

namespace uc {

std::string cublasLtPath() { return lt::library().path; }

}  // namespace uc

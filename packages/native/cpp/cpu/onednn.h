// The oneDNN engine, stream and compiled primitives of one instance.
#pragma once

#include <map>
#include <unordered_map>
#include <vector>

#include "dnnl.hpp"

#include "../runtime/context.h"
#include "../runtime/tensor.h"

namespace uc {

struct OneDnn {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
};

using PrimitiveKey = std::vector<int64_t>;

// Compiled primitives by shape. Forgets everything when it has grown too large: shapes of a running model recur.
template <class P>
class PrimitiveCache {
 public:
  template <class Make>
  P& get(const PrimitiveKey& key, const Make& make) {
    const auto found = held_.find(key);
    if (found != held_.end()) return found->second;
    if (held_.size() >= kLimit) held_.clear();
    return held_.emplace(key, make()).first->second;
  }

 private:
  static constexpr size_t kLimit = 1024;
  std::map<PrimitiveKey, P> held_;
};

inline dnnl::memory::data_type dnnlType(Phys phys) {
  switch (phys) {
    case Phys::F32:
      return dnnl::memory::data_type::f32;
    case Phys::BF16:
      return dnnl::memory::data_type::bf16;
    case Phys::I32:
      return dnnl::memory::data_type::s32;
    case Phys::U8:
      return dnnl::memory::data_type::u8;
  }
  return dnnl::memory::data_type::undef;
}

}  // namespace uc

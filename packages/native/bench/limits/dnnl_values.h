// Buffers of oneDNN with the inputs of a case, and back.
#pragma once

#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "dnnl.hpp"

using Md = dnnl::memory::desc;

inline dnnl::memory::data_type typeOf(const std::string& name) {
  if (name == "f32") return dnnl::memory::data_type::f32;
  if (name == "bf16") return dnnl::memory::data_type::bf16;
  throw std::runtime_error("expected f32 or bf16, found " + name);
}

struct Device {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};

  // `values` in f32 and the order of `plain`, in memory of the type and order of `wanted`.
  dnnl::memory filled(std::vector<float> values, const Md& plain, const Md& wanted) {
    const dnnl::memory from(plain, engine, values.data());
    dnnl::memory to(wanted, engine);
    dnnl::reorder(from, to).execute(stream, const_cast<dnnl::memory&>(from), to);
    stream.wait();
    return to;
  }

  // The values of `from` as f32 in the order of `plain`.
  std::vector<float> values(dnnl::memory& from, const Md& plain) {
    std::vector<float> values(plain.get_size() / sizeof(float));
    dnnl::memory to(plain, engine, values.data());
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
    return values;
  }
};

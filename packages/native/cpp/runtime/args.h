// Readers of the command block and the list of results.
//
// A command is a run of int32 values and a run of float64 values, read in order:
//   tensor            slot, rank, dims...           (slot -1: absent, only where the kernel allows it)
//   changed tensor    -10, then a tensor that the kernel changes in place
//   immediate scalar  -2 - phys, rank, dims... and one float64
//   dims / integers   length, values...
//   integer, flag     one int32                      real   one float64
#pragma once

#include <string>
#include <vector>

#include "context.h"
#include "host_staging.h"
#include "tensor.h"

namespace uc {

class Args {
 public:
  Args(Context& context, const int32_t* ints, int64_t intCount, const double* reals, int64_t realCount)
      : context_(context), ints_(ints), intEnd_(ints + intCount), reals_(reals), realEnd_(reals + realCount) {}
  Args(const Args&) = delete;
  Args& operator=(const Args&) = delete;

  // A tensor that must be present.
  Tensor tensor();
  // A tensor whose physical type must be one of those given.
  Tensor floatTensor();
  Tensor intTensor();
  // A float tensor that the kernel changes in place. Throws when it lies in a mapped file, which is read-only.
  Tensor targetTensor();
  // An absent tensor has a null data pointer.
  Tensor optionalTensor();
  int64_t integer();
  bool flag() { return integer() != 0; }
  double real();
  Dims dims();
  std::vector<int64_t> integers();
  // All arguments must have been read: catches a command that does not fit its kernel.
  void finish() const;

  // From now on tensors are host copies of their slots.
  void stageOnHost(HostStaging& staging) { staging_ = &staging; }

  // The tensors read so far, for error messages: "[2,3] f32, [3] i32".
  std::string described() const;

 private:
  Tensor read(bool optional);

  static constexpr int64_t kChanged = -10;
  static constexpr int kRemembered = 6;
  Context& context_;
  HostStaging* staging_ = nullptr;
  const int32_t* ints_;
  const int32_t* intEnd_;
  const double* reals_;
  const double* realEnd_;
  Tensor seen_[kRemembered];
  int seenCount_ = 0;
  static constexpr int kScalars = 8;
  union Scalar {
    float f32;
    int32_t i32;
    uint8_t u8;
  };
  Scalar scalars_[kScalars];
  int scalarCount_ = 0;
};

class Results {
 public:
  explicit Results(Context& context) : context_(context) {}
  // Frees what was made, unless commit() took it: a kernel that throws leaves nothing behind.
  ~Results();
  Results(const Results&) = delete;
  Results& operator=(const Results&) = delete;

  // A new output with uninitialised contents.
  Tensor make(const Dims& dims, Phys phys);
  // From now on outputs are host copies of their slots.
  void stageOnHost(HostStaging& staging) { staging_ = &staging; }
  const std::vector<int32_t>& commit() {
    committed_ = true;
    return slots_;
  }

 private:
  Context& context_;
  HostStaging* staging_ = nullptr;
  std::vector<int32_t> slots_;
  bool committed_ = false;
};

}  // namespace uc

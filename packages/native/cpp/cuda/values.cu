#include "values.h"

namespace uc {

void convertFloats(Context& context, const Tensor& from, const Tensor& to) {
  const Floats source(from), target(to);
  forEach(context, from.count, [=] __device__(int64_t i) { target.put(i, source[i]); });
}

void zeroBytes(Context& context, const Tensor& t) {
  if (t.count == 0) return;
  checkCuda(cudaMemsetAsync(t.data, 0, static_cast<size_t>(t.bytes()), cudaDevice(context).stream()), "cudaMemset");
}

void copyBytes(Context& context, const Tensor& from, const Tensor& to) {
  if (from.count == 0) return;
  checkCuda(cudaMemcpyAsync(to.data, from.data, static_cast<size_t>(from.bytes()), cudaMemcpyDeviceToDevice,
                            cudaDevice(context).stream()),
            "a copy on the device");
}

DeviceConverted::DeviceConverted(Context& context, const Tensor& from, Phys phys) : tensor_(from) {
  if (from.phys == phys && !from.immediate()) return;
  copy_ = std::make_shared<DeviceScratch<char>>(context, std::max<int64_t>(from.count, 1) *
                                                             static_cast<int64_t>(bytesOf(phys)));
  tensor_.data = copy_->data();
  tensor_.phys = phys;
  tensor_.slot = 0;  // on the device, whatever it was before
  convertFloats(context, from, tensor_);
}

}  // namespace uc

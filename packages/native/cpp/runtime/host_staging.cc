#include "host_staging.h"

namespace uc {

void* HostStaging::copyOf(int32_t slot, bool load) {
  for (Copy& copy : copies_) {
    if (copy.slot == slot) return copy.memory.data();
  }
  const Buffer& buffer = context_.slots.at(slot);
  const size_t bytes = static_cast<size_t>(buffer.count) * bytesOf(buffer.phys);
  Copy& copy = copies_.emplace_back(context_, slot, bytes);
  if (load && bytes > 0) context_.memory().download(copy.memory.data(), buffer.data, bytes);
  return copy.memory.data();
}

void HostStaging::store() {
  for (Copy& copy : copies_) {
    if (copy.bytes > 0) context_.memory().upload(context_.slots.at(copy.slot).data, copy.memory.data(), copy.bytes);
  }
}

}  // namespace uc

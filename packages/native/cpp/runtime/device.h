// Where the slots of a context lie, and how bytes get there and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace uc {

enum class Device : uint8_t { Cpu = 0, Cuda = 1 };

inline const char* nameOf(Device device) { return device == Device::Cpu ? "cpu" : "cuda"; }

// A copy out of device memory that is under way. It reads what the memory held when it was begun, whatever happens to the
// slot afterwards.
class PendingRead {
 public:
  virtual ~PendingRead() = default;
  // Blocks until the bytes are there; may be called on any thread. Throws what went wrong on the device.
  virtual void wait() = 0;
  virtual const void* bytes() const = 0;
};

// The memory of one device as one context uses it. All work of a context runs in the order in which it was asked for.
class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;
  virtual Device device() const = 0;
  // A block of memory, or null when there is none left.
  virtual void* take(size_t bytes) = 0;
  virtual void give(void* block) = 0;
  // Bytes of released blocks that may be kept for reuse.
  virtual size_t cacheLimit() const = 0;
  // Bytes that may be live and cached together, and what to tell somebody who asks for more.
  virtual size_t limitBytes() const = 0;
  virtual std::string adviceOnLimit(size_t limitBytes) const = 0;
  virtual void upload(void* to, const void* from, size_t bytes) = 0;
  // Waits for all work before it.
  virtual void download(void* to, const void* from, size_t bytes) = 0;
  virtual std::unique_ptr<PendingRead> beginRead(const void* from, size_t bytes) = 0;
  // Called around a kernel of this device: what goes wrong in between is reported with the kernel's name.
  virtual void beginKernel(int64_t) {}
  virtual void endKernel() {}
};

std::unique_ptr<DeviceMemory> hostMemory();

}  // namespace uc

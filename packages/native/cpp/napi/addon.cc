// The only file that knows Node-API. Everything crosses as integers through two shared arrays, see runtime/args.h:
// ints[0] and reals come from JavaScript; run(op) returns the first output slot and leaves all of them in the results.
#include <napi.h>

#include <cstring>
#include <unordered_map>

#include "../cuda/device.h"
#include "../runtime/registry.h"
#include "../runtime/threads.h"
#include "async_read.h"
#include "build_info.h"

namespace {

using uc::Buffer;
using uc::Phys;

class NativeAddon : public Napi::Addon<NativeAddon> {
 public:
  NativeAddon(Napi::Env, Napi::Object exports) {
    DefineAddon(exports, {
                             InstanceMethod("info", &NativeAddon::Info),
                             InstanceMethod("kernels", &NativeAddon::Kernels),
                             InstanceMethod("kernelsOnDevice", &NativeAddon::KernelsOnDevice),
                             InstanceMethod("useDevice", &NativeAddon::UseDevice),
                             InstanceMethod("setBlocks", &NativeAddon::SetBlocks),
                             InstanceMethod("upload", &NativeAddon::Upload),
                             InstanceMethod("download", &NativeAddon::Download),
                             InstanceMethod("downloadAsync", &NativeAddon::DownloadAsync),
                             InstanceMethod("physOf", &NativeAddon::PhysOf),
                             InstanceMethod("mapFile", &NativeAddon::MapFile),
                             InstanceMethod("unmapFile", &NativeAddon::UnmapFile),
                             InstanceMethod("mapSlot", &NativeAddon::MapSlot),
                             InstanceMethod("advise", &NativeAddon::Advise),
                             InstanceMethod("memory", &NativeAddon::Memory),
                             InstanceMethod("resetPeak", &NativeAddon::ResetPeak),
                             InstanceMethod("trim", &NativeAddon::Trim),
                             InstanceMethod("setThreads", &NativeAddon::SetThreads),
                         });
    uc::startThreads();
    const napi_env env = exports.Env();
    exports.Set("run", Function(env, "run", &NativeAddon::RunRaw));
    exports.Set("release", Function(env, "release", &NativeAddon::ReleaseRaw));
  }

 private:
  // The two calls of the hot path skip the C++ wrappers.
  Napi::Function Function(napi_env env, const char* name, napi_callback callback) {
    napi_value value;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, this, &value);
    return Napi::Function(env, value);
  }

  static napi_value Throw(napi_env env, const char* message) {
    napi_throw_error(env, nullptr, message);
    return nullptr;
  }

  static bool IntArgument(napi_env env, napi_callback_info info, NativeAddon** self, int32_t* value) {
    size_t argc = 1;
    napi_value argv[1];
    void* data = nullptr;
    if (napi_get_cb_info(env, info, &argc, argv, nullptr, &data) != napi_ok || argc < 1 ||
        napi_get_value_int32(env, argv[0], value) != napi_ok) {
      Throw(env, "the native binding expects an integer");
      return false;
    }
    *self = static_cast<NativeAddon*>(data);
    return true;
  }

  // run(op): the command is in the blocks, ints[0] = number of ints that follow, ints[1] = number of reals.
  static napi_value RunRaw(napi_env env, napi_callback_info info) {
    NativeAddon* self;
    int32_t op;
    if (!IntArgument(env, info, &self, &op)) return nullptr;
    int32_t first = -1;
    try {
      first = self->Run(op);
    } catch (const std::exception& error) {
      return Throw(env, error.what());
    }
    napi_value result;
    napi_create_int32(env, first, &result);
    return result;
  }

  int32_t Run(int32_t op) {
    if (ints_ == nullptr) uc::fail("setBlocks() must be called first");
    const int64_t intCount = ints_[0];
    const int64_t realCount = ints_[1];
    if (intCount < 0 || intCount > intCapacity_ - 2 || realCount < 0 || realCount > realCapacity_) {
      uc::fail("a command of " + std::to_string(intCount) + " integers and " + std::to_string(realCount) +
               " reals does not fit its block");
    }
    uc::Args args(context_, ints_ + 2, intCount, reals_, realCount);
    uc::Results results(context_);
    uc::registry().run(context_, op, args, results);
    const std::vector<int32_t>& slots = results.commit();
    if (static_cast<int64_t>(slots.size()) + 1 > resultCapacity_) {
      for (int32_t slot : slots) context_.slots.release(slot);
      uc::fail("a kernel made " + std::to_string(slots.size()) + " outputs, more than the results block holds");
    }
    results_[0] = static_cast<int32_t>(slots.size());
    std::copy(slots.begin(), slots.end(), results_ + 1);
    return slots.empty() ? -1 : slots[0];
  }

  static napi_value ReleaseRaw(napi_env env, napi_callback_info info) {
    NativeAddon* self;
    int32_t slot;
    if (!IntArgument(env, info, &self, &slot)) return nullptr;
    try {
      self->context_.slots.release(slot);
    } catch (const std::exception& error) {
      return Throw(env, error.what());
    }
    return nullptr;
  }

  template <class Array>
  static Array ArrayArgument(const Napi::CallbackInfo& info, size_t index, napi_typedarray_type type) {
    if (info.Length() <= index || !info[index].IsTypedArray() ||
        info[index].As<Napi::TypedArray>().TypedArrayType() != type) {
      throw Napi::TypeError::New(info.Env(), "the native binding expects another kind of typed array as argument " +
                                                 std::to_string(index));
    }
    return info[index].As<Array>();
  }

  static int32_t IntArgument(const Napi::CallbackInfo& info, size_t index) {
    if (info.Length() <= index || !info[index].IsNumber()) {
      throw Napi::TypeError::New(info.Env(), "the native binding expects a number as argument " + std::to_string(index));
    }
    return info[index].As<Napi::Number>().Int32Value();
  }

  static int64_t LongArgument(const Napi::CallbackInfo& info, size_t index) {
    IntArgument(info, index);
    return info[index].As<Napi::Number>().Int64Value();
  }

  // setBlocks(ints: Int32Array, reals: Float64Array, results: Int32Array)
  void SetBlocks(const Napi::CallbackInfo& info) {
    auto ints = ArrayArgument<Napi::Int32Array>(info, 0, napi_int32_array);
    auto reals = ArrayArgument<Napi::Float64Array>(info, 1, napi_float64_array);
    auto results = ArrayArgument<Napi::Int32Array>(info, 2, napi_int32_array);
    if (ints.ElementLength() < 2 || results.ElementLength() < 1) {
      throw Napi::RangeError::New(info.Env(), "the command and results blocks are too small");
    }
    intsHeld_ = Napi::Persistent(Napi::Object(ints));
    realsHeld_ = Napi::Persistent(Napi::Object(reals));
    resultsHeld_ = Napi::Persistent(Napi::Object(results));
    ints_ = ints.Data();
    intCapacity_ = static_cast<int64_t>(ints.ElementLength());
    reals_ = reals.Data();
    realCapacity_ = static_cast<int64_t>(reals.ElementLength());
    results_ = results.Data();
    resultCapacity_ = static_cast<int64_t>(results.ElementLength());
  }

  // upload(values: Float32Array | Int32Array | Uint8Array | Uint16Array): slot. A Uint16Array holds bf16 bits.
  Napi::Value Upload(const Napi::CallbackInfo& info) {
    if (info.Length() < 1 || !info[0].IsTypedArray()) {
      throw Napi::TypeError::New(info.Env(), "upload() expects a typed array");
    }
    const auto array = info[0].As<Napi::TypedArray>();
    Phys phys;
    switch (array.TypedArrayType()) {
      case napi_float32_array:
        phys = Phys::F32;
        break;
      case napi_int32_array:
        phys = Phys::I32;
        break;
      case napi_uint8_array:
        phys = Phys::U8;
        break;
      case napi_uint16_array:
        phys = Phys::BF16;
        break;
      default:
        throw Napi::TypeError::New(info.Env(), "upload() takes Float32Array, Int32Array, Uint8Array or Uint16Array");
    }
    const int32_t slot = context_.slots.create(static_cast<int64_t>(array.ElementLength()), phys);
    const auto* from = static_cast<const char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
    if (array.ByteLength() > 0) context_.memory().upload(context_.slots.at(slot).data, from, array.ByteLength());
    return Napi::Number::New(info.Env(), slot);
  }

  // A stretch of a slot that is to be read into an array, checked.
  struct Stretch {
    const void* data;
    Phys phys;
    Napi::TypedArray array;

    int64_t count() const { return static_cast<int64_t>(array.ElementLength()); }
    size_t bytes() const { return array.ElementLength() * bytesOf(phys); }
    // bf16 values are widened on their way into a Float32Array.
    bool widens() const { return phys == Phys::BF16 && array.TypedArrayType() == napi_float32_array; }
  };

  Stretch StretchArguments(const Napi::CallbackInfo& info) {
    const int32_t slot = IntArgument(info, 0);
    if (info.Length() < 2 || !info[1].IsTypedArray()) {
      throw Napi::TypeError::New(info.Env(), "download() expects a typed array");
    }
    const Buffer& buffer = context_.slots.at(slot);
    Stretch part{nullptr, buffer.phys, info[1].As<Napi::TypedArray>()};
    const int64_t from = info.Length() > 2 ? info[2].As<Napi::Number>().Int64Value() : 0;
    if (from < 0 || from > buffer.count - part.count()) {
      uc::fail("download(): " + std::to_string(part.count()) + " elements from element " + std::to_string(from) +
               " of a buffer of " + std::to_string(buffer.count));
    }
    const napi_typedarray_type type = part.array.TypedArrayType();
    const bool fits = part.widens() || (buffer.phys == Phys::F32 && type == napi_float32_array) ||
                      (buffer.phys == Phys::I32 && type == napi_int32_array) ||
                      (buffer.phys == Phys::U8 && type == napi_uint8_array) ||
                      (buffer.phys == Phys::BF16 && type == napi_uint16_array);
    if (!fits) uc::fail(std::string("a ") + nameOf(buffer.phys) + " buffer cannot be read into this array type");
    part.data = static_cast<const char*>(buffer.data) + from * static_cast<int64_t>(bytesOf(buffer.phys));
    return part;
  }

  static void* DataOf(const Napi::TypedArray& array) {
    return static_cast<char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  }

  static void WidenInto(const void* bytes, int64_t count, Napi::TypedArray array) {
    uc::widen(static_cast<const uc::bf16*>(bytes), static_cast<float*>(DataOf(array)), count);
  }

  static void CopyInto(const void* bytes, int64_t, Napi::TypedArray array) {
    if (array.ByteLength() > 0) std::memcpy(DataOf(array), bytes, array.ByteLength());
  }

  // download(slot, into, from): fills `into` with elements [from, from + into.length) of the slot. A Float32Array also
  // takes bf16 values; a Uint16Array takes their bits.
  void Download(const Napi::CallbackInfo& info) {
    const Stretch part = StretchArguments(info);
    if (part.count() == 0) return;
    if (!part.widens()) return context_.memory().download(DataOf(part.array), part.data, part.bytes());
    uc::Scratch<uc::bf16> narrow(context_, part.count());
    context_.memory().download(narrow.data(), part.data, part.bytes());
    WidenInto(narrow.data(), part.count(), part.array);
  }

  // downloadAsync(slot, into, from): as download(), for a promise of `into`; the slot may be released at once.
  Napi::Value DownloadAsync(const Napi::CallbackInfo& info) {
    const Stretch part = StretchArguments(info);
    auto* read = new uc::AsyncRead(info.Env(), context_.memory().beginRead(part.data, part.bytes()), part.array,
                                   part.widens() ? WidenInto : CopyInto);
    const Napi::Promise promise = read->promise();
    read->Queue();
    return promise;
  }

  Napi::Value PhysOf(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<int>(context_.slots.at(IntArgument(info, 0)).phys));
  }

  // mapFile(descriptor, length): file. Slots can be made in the file until unmapFile(file); they keep the mapping alive.
  Napi::Value MapFile(const Napi::CallbackInfo& info) {
    const int descriptor = IntArgument(info, 0);
    try {
      files_[nextFile_] = uc::MappedFile::open(descriptor, LongArgument(info, 1));
      return Napi::Number::New(info.Env(), nextFile_++);
    } catch (const uc::KernelError& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

  void UnmapFile(const Napi::CallbackInfo& info) { files_.erase(IntArgument(info, 0)); }

  // mapSlot(file, offset in bytes, count, phys): slot
  Napi::Value MapSlot(const Napi::CallbackInfo& info) {
    const auto file = files_.find(IntArgument(info, 0));
    const int32_t phys = IntArgument(info, 3);
    try {
      if (file == files_.end()) uc::fail("the mapped file has been closed");
      if (context_.device() != uc::Device::Cpu) uc::fail("files are mapped on the device 'cpu' only");
      if (phys != static_cast<int>(Phys::F32) && phys != static_cast<int>(Phys::BF16)) {
        uc::fail("only f32 and bf16 elements can be mapped");
      }
      const int32_t slot =
          context_.slots.map(file->second, LongArgument(info, 1), LongArgument(info, 2), static_cast<Phys>(phys));
      return Napi::Number::New(info.Env(), slot);
    } catch (const uc::KernelError& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

  // advise(slot, advice): nothing happens for a slot that is not mapped.
  void Advise(const Napi::CallbackInfo& info) {
    const int32_t advice = IntArgument(info, 1);
    try {
      if (advice < 0 || advice > static_cast<int>(uc::Advice::Release)) uc::fail("unknown advice");
      const int32_t slot = IntArgument(info, 0);
      const Buffer& buffer = context_.slots.at(slot);
      if (!buffer.readOnly()) return;
      uc::advise(buffer.data, buffer.bytes(), static_cast<uc::Advice>(advice));
      // What kernels derived from values that are not wanted in memory is not wanted there either.
      if (advice == static_cast<int>(uc::Advice::Release)) context_.slots.changed(slot);
    } catch (const uc::KernelError& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

  Napi::Value Kernels(const Napi::CallbackInfo& info) {
    const std::vector<std::string>& names = uc::registry().names();
    Napi::Array list = Napi::Array::New(info.Env(), names.size());
    for (size_t i = 0; i < names.size(); ++i) list.Set(static_cast<uint32_t>(i), names[i]);
    return list;
  }

  // kernelsOnDevice(): for each kernel, whether it has a version for the device in use.
  Napi::Value KernelsOnDevice(const Napi::CallbackInfo& info) {
    const size_t count = uc::registry().names().size();
    Napi::Array list = Napi::Array::New(info.Env(), count);
    for (size_t i = 0; i < count; ++i) list.Set(static_cast<uint32_t>(i), uc::registry().runsOn(context_.device(), i));
    return list;
  }

  // useDevice('cpu' | 'cuda'): where tensors live from now on. An error while there are tensors, or without a GPU.
  void UseDevice(const Napi::CallbackInfo& info) {
    if (info.Length() < 1 || !info[0].IsString()) throw Napi::TypeError::New(info.Env(), "useDevice() expects a name");
    const std::string name = info[0].As<Napi::String>();
    if (name != "cpu" && name != "cuda") uc::fail("no device of the name '" + name + "'; there are 'cpu' and 'cuda'");
    if (name == uc::nameOf(context_.device())) return;
    context_.useDevice(name == "cuda" ? uc::openCudaDevice() : nullptr);
  }

  Napi::Value Memory(const Napi::CallbackInfo& info) {
    Napi::Object memory = Napi::Object::New(info.Env());
    memory.Set("liveBytes", static_cast<double>(context_.slotAllocator().liveBytes()));
    memory.Set("liveBuffers", static_cast<double>(context_.slots.liveBuffers()));
    memory.Set("mappedBytes", static_cast<double>(context_.slots.mappedBytes()));
    memory.Set("peakBytes", static_cast<double>(context_.slotAllocator().peakBytes()));
    memory.Set("cachedBytes", static_cast<double>(context_.slotAllocator().cachedBytes()));
    memory.Set("limitBytes", static_cast<double>(context_.slotAllocator().limitBytes()));
    return memory;
  }

  void ResetPeak(const Napi::CallbackInfo&) { context_.slotAllocator().resetPeak(); }

  void Trim(const Napi::CallbackInfo&) { context_.slotAllocator().trim(); }

  void SetThreads(const Napi::CallbackInfo& info) {
    uc::setThreads(IntArgument(info, 0));
    context_.forgetStates();
  }

  Napi::Value Info(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Napi::Object object = Napi::Object::New(env);
    const std::string onednn = UC_ONEDNN_VERSION;
    object.Set("onednn", onednn.empty() ? env.Null() : Napi::Value(Napi::String::New(env, onednn)));
    object.Set("device", uc::nameOf(context_.device()));
    object.Set("cuda", uc::cudaDeviceCount() > 0);
    const std::string gpu = uc::cudaDeviceName();
    object.Set("gpu", gpu.empty() ? env.Null() : Napi::Value(Napi::String::New(env, gpu)));
    const std::string lt = context_.device() == uc::Device::Cuda ? uc::cublasLtPath() : std::string();
    object.Set("cublasLt", lt.empty() ? env.Null() : Napi::Value(Napi::String::New(env, lt)));
    object.Set("isa", UC_ISA);
    object.Set("threads", uc::threads());
    return object;
  }

  uc::Context context_;
  std::unordered_map<int32_t, std::shared_ptr<const uc::MappedFile>> files_;
  int32_t nextFile_ = 0;
  Napi::ObjectReference intsHeld_, realsHeld_, resultsHeld_;
  int32_t* ints_ = nullptr;
  double* reals_ = nullptr;
  int32_t* results_ = nullptr;
  int64_t intCapacity_ = 0, realCapacity_ = 0, resultCapacity_ = 0;
};

NODE_API_ADDON(NativeAddon)

}  // namespace

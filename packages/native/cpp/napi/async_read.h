// Resolves a promise with an array once a copy out of device memory has ended; the wait happens on a thread of libuv.
#pragma once

#include <napi.h>

#include <cstring>
#include <memory>
#include <utility>

#include "../runtime/device.h"

namespace uc {

class AsyncRead : public Napi::AsyncWorker {
 public:
  // `finish(bytes, array)` fills the array on the JavaScript thread.
  using Finish = void (*)(const void* bytes, int64_t count, Napi::TypedArray array);

  AsyncRead(Napi::Env env, std::unique_ptr<PendingRead> read, Napi::TypedArray array, Finish finish)
      : Napi::AsyncWorker(env),
        read_(std::move(read)),
        array_(Napi::Persistent(Napi::Object(array))),
        deferred_(Napi::Promise::Deferred::New(env)),
        finish_(finish) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { read_->wait(); }
  void OnOK() override {
    const auto array = array_.Value().As<Napi::TypedArray>();
    finish_(read_->bytes(), static_cast<int64_t>(array.ElementLength()), array);
    deferred_.Resolve(array);
  }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  std::unique_ptr<PendingRead> read_;
  Napi::ObjectReference array_;
  Napi::Promise::Deferred deferred_;
  Finish finish_;
};

}  // namespace uc

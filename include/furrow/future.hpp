// A result that is not there yet: what Pool::apply_async returns.
//
// Move-only, like std::future. Any thread may wait for it, but only one thread at a time may use a Future. It
// may outlive its Pool: a call that no worker had begun when its Pool was destroyed ends with a TaskFailed of kind
// kCancelled. A call whose Future was dropped is run in any case, before its Pool ends.
#pragma once

#include <functional>
#include <stdexcept>
#include <utility>

#include "furrow/detail/abi.hpp"
#include "furrow/detail/call_node.hpp"

namespace FURROW_NAMESPACE {

template <class R>
class Future {
 public:
  Future() = default;
  Future(Future&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
  Future& operator=(Future&& other) noexcept {
    std::swap(call_, other.call_);
    return *this;
  }
  ~Future() {
    if (call_) call_->release();
  }

  bool valid() const noexcept { return call_ != nullptr; }
  bool ready() const { return call().ready(); }
  // Tasks may wait for tasks. A worker that waits for a call of its own Pool which no worker has begun runs it;
  // it runs nothing else meanwhile, so the task may hold locks. While it waits for a call that runs, another
  // thread takes its place among the workers.
  void wait() const { call().wait(); }
  bool wait_for(double seconds) const { return call().wait_for(seconds); }
  // Asks the call to end, and does not wait for that. A call that no worker has begun never runs, and ends at once. A task
  // that runs is asked (task_stop_requested(), a std::stop_token argument); in a worker process it is ended. The
  // programs that it has started are ended. Then the call has ended as kCancelled, whatever its task returns, and get()
  // throws Cancelled. Returns false, and does nothing, if the call had ended before. Unlike the rest, it may be called
  // while another thread waits for the same Future.
  bool cancel() { return call().cancel(); }

  // Waits, and returns the result; may be called once. The function and its arguments are destroyed by then.
  // Throws the task's exception as errors.hpp describes.
  R get() {
    wait();
    Future done = std::move(*this);
    if constexpr (std::is_void_v<R>)
      done.call().outcome().value();
    else
      return std::move(done.call().outcome()).value();
  }
  // The same without throwing.
  Outcome<R> outcome() {
    wait();
    Future done = std::move(*this);
    return std::move(done.call().outcome());
  }

  // The callback runs once when the call ends, before wait() returns, on the thread that ended it; if the
  // call has ended already, at once on the current thread. A callback must be short, must not wait for tasks
  // and must not throw.
  template <class Callback>
  Future& on_success(Callback callback) {
    call().listen([callback = std::move(callback)](const Outcome<R>& outcome) mutable {
      if (!outcome.ok()) return;
      if constexpr (std::is_void_v<R>)
        callback();
      else
        callback(outcome.value());
    });
    return *this;
  }
  Future& on_error(std::function<void(const Failure&)> callback) {
    call().listen([callback = std::move(callback)](const Outcome<R>& outcome) {
      if (!outcome.ok()) callback(outcome.failure());
    });
    return *this;
  }

 private:
  friend class Pool;
  explicit Future(detail::CallState<R>* call) noexcept : call_(call) {}
  detail::CallState<R>& call() const {
    if (!call_) throw std::logic_error("this Future has no call: it was moved from, or its result was taken");
    return *call_;
  }

  detail::CallState<R>* call_ = nullptr;
};

}  // namespace FURROW_NAMESPACE

// A result that is not there yet: what Pool::apply_async returns.
//
// Move-only, like std::future. Any thread may wait for it, but only one thread at a time may use a Future. It
// may outlive its Pool: a call that no worker had begun when its Pool was destroyed ends with a TaskFailed of kind
// kCancelled. A call whose Future was dropped is run in any case, before its Pool ends.
#pragma once

#include <coroutine>
#include <functional>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "furrow/detail/abi.hpp"
#include "furrow/detail/call_node.hpp"
#include "furrow/detail/joined_call.hpp"

namespace FURROW_NAMESPACE {

template <class R>
class Future;

namespace detail {

template <class... R>
struct Joined;

template <class F, class R>
struct ThenResult : std::invoke_result<F&, R> {};
template <class F>
struct ThenResult<F, void> : std::invoke_result<F&> {};

}  // namespace detail

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
    auto& outcome = done.call().outcome();
    if (!outcome.ok()) {
      // No other thread shares the exception then: ThreadSanitizer cannot see how the standard library counts who does.
      const Outcome<R> failed = std::move(outcome);
      throw_failure(failed.failure());
    }
    if constexpr (!std::is_void_v<R>) return std::move(outcome).value();
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

  // A Future for f(result), or for this call's failure, which is then that one's too. F runs as the callbacks do, so it
  // must be short and must not wait for tasks; what it throws is a failure.
  template <class F>
  auto then(F f) && {
    using T = std::remove_cvref_t<typename detail::ThenResult<F, R>::type>;
    auto* const source = &call();
    auto* const next = new detail::JoinedCall<T>(source->pump);
    Future<T> future(next);
    source->listen([source, next, kept = std::make_shared<F>(std::move(f))](const Outcome<R>&) {
      if (!source->outcome().ok()) return next->end_with(source->outcome().failure());
      next->end([&]() -> T {
        if constexpr (std::is_void_v<R>)
          return static_cast<T>(std::invoke(*kept));
        else
          return static_cast<T>(std::invoke(*kept, std::move(source->outcome()).value()));
      });
    });
    *this = Future();
    return future;
  }

  // `co_await pool.apply_async(f, x)` from any coroutine: the result, or the task's exception. The coroutine goes on on the
  // thread that ended the call: a worker thread, or over processes and ranks whichever thread waits for something of
  // the Pool. It must not wait there for calls over processes by anything but co_await.
  auto operator co_await() && {
    struct Awaiter {
      Future future;
      bool await_ready() const { return future.ready(); }
      bool await_suspend(std::coroutine_handle<> waiting) {
        return future.call().listen_late([waiting](const Outcome<R>&) { waiting.resume(); });
      }
      R await_resume() { return future.get(); }
    };
    return Awaiter{std::move(*this)};
  }

 private:
  friend class Pool;
  template <class>
  friend class Future;
  template <class...>
  friend struct detail::Joined;
  explicit Future(detail::CallState<R>* call) noexcept : call_(call) {}
  detail::CallState<R>& call() const {
    if (!call_) throw std::logic_error("this Future has no call: it was moved from, or its result was taken");
    return *call_;
  }

  detail::CallState<R>* call_ = nullptr;
};

}  // namespace FURROW_NAMESPACE

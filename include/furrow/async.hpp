// Functions that return asio::awaitable<T>, for every backend. On furrow::async(n), up to n of them are in
// flight at once on one thread.
//
//   #include <furrow/async.hpp>
//   furrow::Pool pool{furrow::async(200)};
//   auto pages = pool.map([](std::string url) -> asio::awaitable<std::string> {
//     asio::ip::tcp::socket socket(co_await asio::this_coro::executor);
//     ...
//   }, urls, {.timeout_s = 10});
//
// Threads. A map or imap runs its coroutines on the thread that called it, and only during that call (imap:
// only while the caller waits for the next result). apply_async runs them on one thread of the Pool, which
// starts with the first call. A coroutine must not block: no other coroutine can run meanwhile. On serial,
// threads and processes each worker runs one coroutine at a time, from start to end, on its own event loop.
//
// Tasks. task_index(), task_rng() and worker_index() refer to the coroutine's own task wherever it continues,
// as long as it is resumed through its executor, as all of Asio's operations do. What a task spawns on
// co_await asio::this_coro::executor belongs to that task until the task ends; whatever still runs then ends
// with the map.
//
// Timeouts and fail-fast cancel a coroutine through Asio's cancellation slots (cancellation_type::terminal):
// the operation that it awaits ends with operation_aborted, as does every later co_await. A coroutine that
// neither awaits nor ends cannot be stopped.
//
// Needs Asio (Debian: libasio-dev), which no other header of Furrow includes.
#pragma once

// Asio 1.22 does not see that Clang has coroutines.
#if defined(__clang__) && defined(__cpp_impl_coroutine) && !defined(ASIO_DETAIL_CONFIG_HPP)
#ifndef ASIO_HAS_CO_AWAIT
#define ASIO_HAS_CO_AWAIT 1
#endif
#ifndef ASIO_HAS_STD_COROUTINE
#define ASIO_HAS_STD_COROUTINE 1
#endif
#endif

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "furrow/detail/abi.hpp"
#include "furrow/detail/async_loop.hpp"
#include "furrow/detail/scoped_executor.hpp"
#include "furrow/pool.hpp"

#ifndef ASIO_HAS_CO_AWAIT
#error "Asio was included without coroutines: include <furrow/async.hpp> first, or define ASIO_HAS_CO_AWAIT"
#endif

namespace FURROW_NAMESPACE::detail {

class AsioLoop final : public AsyncLoop {
 public:
  void run(std::int64_t until_ns, AsyncHost* starter) override {
    using std::chrono::steady_clock;
    io_.restart();
    ended_ = 0;
    if (starter) asio::post(io_, [starter] { starter->start_some(); });
    if (until_ns == kNever)
      io_.run_one();
    else
      io_.run_one_until(steady_clock::time_point(
          std::chrono::duration_cast<steady_clock::duration>(std::chrono::nanoseconds(until_ns))));
    if (io_.poll_one() > 0) run_ready();
  }
  void wake() override {
    asio::post(io_, [] {});
  }
  void cancel(AsyncTask& task) override {
    const ScopeSwitch here(&task);
    static_cast<asio::cancellation_signal*>(task.signal)->emit(asio::cancellation_type::terminal);
  }

  void spawn(AsyncTask& task, asio::awaitable<void> coroutine) {
    if (!task.signal) task.signal = &signals_.emplace_back();
    auto& signal = *static_cast<asio::cancellation_signal*>(task.signal);
    ++task.generation;
    const ScopedExecutor executor(io_.get_executor(), &task, task.generation);
    asio::co_spawn(asio::any_io_executor(executor), std::move(coroutine),
                   asio::bind_cancellation_slot(signal.slot(), [this, &task](std::exception_ptr error) {
                     if (++ended_ == kAtOnce) io_.stop();
                     task.async_host->ended(task, std::move(error));
                   }));
  }

 private:
  static constexpr std::int64_t kNever = INT64_MAX;
  static constexpr int kAtOnce = 256;  // tasks that end before control returns to the host

  // Runs what is ready now in one call, since Asio keeps memory for reuse only as long as a call lasts. What that makes
  // ready comes after the host's turn.
  void run_ready() {
    if (!std::exchange(has_last_, true))
      asio::post(io_, [this] {
        has_last_ = false;
        io_.stop();
      });
    io_.run();
  }

  int ended_ = 0;                                  // tasks, in this call of run()
  bool has_last_ = false;                          // the last handler of run_ready() is queued
  std::deque<asio::cancellation_signal> signals_;  // one for each task
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> busy_{io_.get_executor()};
};

// GCC treats a coroutine's frame as a type visible in other files, and warns about lambdas in it.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

// Runs one item. Its input lives as long as the coroutine.
template <class F, class Access, class Sink>
asio::awaitable<void> run_index_async(const ItemMap<F, Access, Sink>& work, TaskScope& scope,
                                      std::uint64_t index) {
  using R = typename ItemMap<F, Access, Sink>::R;
  scope.publish(index);
  auto&& input = work.inputs[index];
  if constexpr (std::is_void_v<R>) {
    co_await begin_item(*work.f, std::forward<decltype(input)>(input), scope);
    scope.host().end_watch(scope);
    work.sink.store(index);
  } else {
    R result = co_await begin_item(*work.f, std::forward<decltype(input)>(input), scope);
    scope.host().end_watch(scope);
    work.sink.store(index, std::move(result));
  }
}

// Runs a single call of apply_async.
template <class Call>
asio::awaitable<void> async_call(Call& call, TaskScope& scope) {
  using R = typename Call::Result;
  if constexpr (std::is_void_v<R>) {
    co_await call.begin(scope);
    scope.host().end_watch(scope);
    call.keep();
  } else {
    R result = co_await call.begin(scope);
    scope.host().end_watch(scope);
    call.keep(std::move(result));
  }
}

// Folds one block of a reduction, from left to right.
template <class F, class Op, class Access, class Sink, class Sum>
asio::awaitable<void> run_index_async(const BlockReduce<F, Op, Access, Sink, Sum>& work, TaskScope& scope,
                                      std::uint64_t index) {
  using Work = BlockReduce<F, Op, Access, Sink, Sum>;
  using R = typename Work::R;
  std::optional<R> sum;
  for (std::uint64_t i = index * work.block; i < work.end_of(index); ++i) {
    scope.publish(i);
    auto&& input = work.inputs[i];
    R value = static_cast<R>(co_await begin_item(*work.f, std::forward<decltype(input)>(input), scope));
    scope.host().end_watch(scope);
    if (sum)
      *sum = Work::step(*work.op, std::move(*sum), std::move(value));
    else
      sum.emplace(std::move(value));
  }
  work.sink.store(index, *std::move(sum));
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

template <class T, class Executor>
struct Awaited<asio::awaitable<T, Executor>> {
  static_assert(std::is_same_v<Executor, asio::any_io_executor>,
                "a Pool runs asio::awaitable<T>, whose executor is asio::any_io_executor");
  static constexpr bool kAwaitable = true;
  using Type = T;
  using Awaitable = asio::awaitable<T>;

  // Runs AWAITABLE to its end, on an event loop of its own.
  static T run(Awaitable awaitable) {
    asio::io_context io(1);
    const auto busy = asio::make_work_guard(io);
    std::exception_ptr error;
    bool done = false;
    Kept kept;
    asio::co_spawn(io, keep(std::move(awaitable), kept), [&](std::exception_ptr thrown) {
      error = std::move(thrown);
      done = true;
    });
    while (!done) io.run_one();
    if (error) std::rethrow_exception(error);
    if constexpr (!std::is_void_v<T>) return *std::move(kept);
  }

  static asio::awaitable<void> discard(Awaitable awaitable) { (void)co_await std::move(awaitable); }

  static std::unique_ptr<AsyncLoop> make_loop() { return std::make_unique<AsioLoop>(); }

  template <class Work>
  static AsyncStart map_start() {
    return {&make_loop, [](void* object, AsyncLoop& loop, AsyncTask& task, std::uint64_t index) {
              const Work& work = *static_cast<Work*>(object);
              static_cast<AsioLoop&>(loop).spawn(task, run_index_async(work, task, index));
            }};
  }

  // Call is an AsyncCall; the object passed to the loop is its CallNode.
  template <class Call>
  static AsyncStart call_start() {
    return {&make_loop, [](void* object, AsyncLoop& loop, AsyncTask& task, std::uint64_t) {
              Call& call = *static_cast<Call*>(static_cast<CallNode*>(object));
              static_cast<AsioLoop&>(loop).spawn(task, async_call(call, task));
            }};
  }

 private:
  using Kept = std::conditional_t<std::is_void_v<T>, bool, std::optional<T>>;
  static asio::awaitable<void> keep(Awaitable awaitable, Kept& kept) {
    if constexpr (std::is_void_v<T>)
      co_await std::move(awaitable);
    else
      kept.emplace(co_await std::move(awaitable));
  }
};

}  // namespace FURROW_NAMESPACE::detail

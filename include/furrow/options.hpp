// The options of a Pool and of its calls. Plain values, made with designated initializers:
// `pool.map(f, xs, {.chunksize = 100, .retries = 2})`. A call copies what it needs of them. Units stand in
// the names. Errors: if a backend cannot do what an option asks for, the call throws PoolError before it starts
// anything; if an option has a value that makes no sense (a time limit below 0 or NaN, retries below 0),
// std::invalid_argument.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "furrow/bind.hpp"
#include "furrow/detail/abi.hpp"

namespace FURROW_NAMESPACE {

// What a map does when a task fails. Pool::try_map returns each item's outcome instead of throwing; if it fails
// fast, that of items that were not run is kCancelled. Pool::imap throws each failure in its turn; if it fails
// fast, it ends there.
enum class OnError : std::uint8_t {
  kThrowAtEnd,  // all other items are done first; then the failure of the lowest index is thrown
  kFailFast,    // no new task is started, running ones are asked to stop; then the failure is thrown
};

struct ProgressUpdate {
  std::uint64_t done = 0;    // items with a result
  std::uint64_t failed = 0;  // items that failed and will not be retried
  std::uint64_t total = 0;   // 0 if the number of inputs is not known
  double elapsed_s = 0;
};

// How a map reports its progress: not at all, with a bar on standard error (only if that is a terminal), or
// through a function. The function is called on the thread that called the map, about ten times a second and
// once at the end.
class Progress {
 public:
  Progress() = default;
  Progress(bool bar) : bar_(bar) {}
  template <class F>
    requires std::is_invocable_v<F&, const ProgressUpdate&>
  Progress(F callback) : callback_(std::move(callback)) {}
  explicit operator bool() const { return bar_ || callback_; }
  bool bar() const { return bar_; }
  const std::function<void(const ProgressUpdate&)>& callback() const { return callback_; }

 private:
  bool bar_ = false;
  std::function<void(const ProgressUpdate&)> callback_{};
};

// A file that keeps a map's results as they arrive, so that the same call continues where a killed one
// stopped. A function has no identity that outlives the program, so the caller names it: change KEY when the
// function changes. A file with another key, other inputs or another seed is refused with PoolError.
struct Resume {
  std::string path{};
  std::string key{};
};

struct MapOptions {
  std::size_t chunksize = 0;  // consecutive items handed out together; 0: chosen from measured task times
  int retries = 0;            // further attempts at a task that threw, crashed or timed out
  // For each attempt at an item; 0 or infinity: none. Processes and ranks end a task that takes longer; the other
  // backends ask it to end, and it has failed if it ends later.
  double timeout_s = 0;
  OnError on_error = OnError::kThrowAtEnd;
  // Cancels the map when a stop is requested, from any thread: no further task begins, those that run are asked to end
  // (task_stop_requested(), a std::stop_token argument) or ended with their worker process, and the programs that they
  // have started are ended. The map then throws Cancelled; try_map returns what there is, and the rest as kCancelled.
  // A copy of the source in a worker process cancels nothing.
  std::stop_token stop{};
  Progress progress{};
  // Of task_rng() in this map. If not set: the Pool's seed, and the map's number in the Pool.
  std::optional<std::uint64_t> seed{};
  Resume resume{};      // none if the path is empty
  std::string trace{};  // a file for the timeline, in Chrome's trace format; none if empty
  // processes: use the persistent workers, which were forked when the Pool was made, instead of forking
  // workers at the call.
  bool standing = false;
  // processes: fork even if other threads run. The caller knows that they do no harm.
  bool threads_are_safe = false;
};

// For one call of apply_async.
struct CallOptions {
  double timeout_s = 0;    // for each attempt, as that of a map; 0 or infinity: none
  int retries = 0;         // further attempts at a call that threw, crashed or timed out
  std::stop_token stop{};  // cancels the call when a stop is requested, as Future::cancel() does
};

// What each worker runs once: any function. A function without captures, or furrow::bind(f, ...), can also be sent to
// workers on other computers.
class WorkerFunction {
 public:
  WorkerFunction() = default;
  template <class F>
    requires(std::is_invocable_v<F&> && !std::is_same_v<std::remove_cvref_t<F>, WorkerFunction>)
  WorkerFunction(F&& f) : run_(f) {
    using Function = std::decay_t<F>;
    if constexpr (detail::Sendable<Function>::kCan) {
      encode_ = [sent = Function(std::forward<F>(f))](Writer& writer) {
        detail::Sendable<Function>::encode(writer, sent);
      };
      run_sent_ = [](Reader& reader) { (void)detail::Sendable<Function>::decode(reader)(); };
    }
  }
  explicit operator bool() const { return static_cast<bool>(run_); }
  void operator()() const { run_(); }
  operator const std::function<void()>&() const { return run_; }

  // For backends: the function that run_sent() returns reads in another process what encode() wrote here, and
  // runs it. Null if it cannot be sent.
  void (*run_sent() const)(Reader&) { return run_sent_; }
  void encode(Writer& writer) const { encode_(writer); }

 private:
  std::function<void()> run_{};
  std::function<void(Writer&)> encode_{};
  void (*run_sent_)(Reader&) = nullptr;
};

struct PoolOptions {
  WorkerFunction initializer{};  // run by each worker before its first task
  // Run by each worker that ends in order, after its last task: at the end of the Pool, of a map whose workers were
  // forked for it, or after max_tasks_per_child. Not by one whose initializer failed, or that was killed or crashed; a
  // worker process has some 2 seconds for it. What it throws is written to standard error.
  WorkerFunction finalizer{};
  std::size_t stack_size = 0;           // threads: bytes for each; 0: the system's default (ulimit -s)
  std::size_t max_tasks_per_child = 0;  // processes: replace a worker after this many tasks; 0: never
  // Of task_rng(). If not set: 0, or for a Pool made in a task a seed drawn from that task's own.
  std::optional<std::uint64_t> seed{};
};

}  // namespace FURROW_NAMESPACE

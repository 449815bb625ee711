// What a Pool, and one call of it, can be asked for. Plain values, made with designated initializers:
// `pool.map(f, xs, {.chunksize = 100, .retries = 2})`. A call copies what it needs of them. Units stand in
// the names. Errors: what a backend cannot do is a PoolError or std::invalid_argument of the call, before it
// begins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "furrow/bind.hpp"

namespace furrow {

// What a map does when a task fails. Pool::try_map gives each item's outcome instead.
enum class OnError : std::uint8_t {
  kThrowAtEnd,  // all other items are done first; the failure of the lowest index is thrown
  kFailFast,    // nothing new is started, running tasks are asked to stop; then the failure is thrown
};

struct ProgressUpdate {
  std::uint64_t done = 0;    // items with a result
  std::uint64_t failed = 0;  // items without, for good
  std::uint64_t total = 0;   // 0 where the input's end is not known
  double elapsed_s = 0;
};

// Nothing, a bar on standard error (only where that is a terminal), or a function, called on the thread that
// called the map, about ten times a second and once at the end.
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

// A file in which a map's results are kept as they come, so that the same call goes on where a killed one
// stopped. A function has no identity that outlives the program, so the caller names one: change KEY when the
// function changes. A file of another key, other inputs or another seed is refused with PoolError.
struct Resume {
  std::string path{};
  std::string key{};
};

struct MapOptions {
  std::size_t chunksize = 0;  // consecutive items handed out together; 0: chosen from measured task times
  int retries = 0;            // further attempts at an item that failed, died or was stopped
  double timeout_s = 0;       // for each attempt at an item; 0: none
  OnError on_error = OnError::kThrowAtEnd;
  Progress progress{};
  // of task_rng() in this map; the Pool's own and the map's number otherwise
  std::optional<std::uint64_t> seed{};
  Resume resume{};                // none where the path is empty
  std::string trace{};            // a file for the timeline, in Chrome's trace format; none where empty
  bool standing = false;          // processes: use the standing crew rather than fork at the call
  bool threads_are_safe = false;  // processes: fork though other threads run; the caller vouches for them
};

// For one call of apply_async.
struct CallOptions {
  double timeout_s = 0;  // for each attempt; 0: none
  int retries = 0;       // further attempts at a call that failed, died or was stopped
};

// What each worker runs before its first task: any function. One without captures, or furrow::bind(f, ...),
// can also be sent to workers on other computers.
class Initializer {
 public:
  Initializer() = default;
  template <class F>
    requires(std::is_invocable_v<F&> && !std::is_same_v<std::remove_cvref_t<F>, Initializer>)
  Initializer(F&& f) : run_(f) {
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

  // For backends: RUN_SENT reads elsewhere what ENCODE writes here, and runs it. Null where it cannot be
  // sent.
  void (*run_sent() const)(Reader&) { return run_sent_; }
  void encode(Writer& writer) const { encode_(writer); }

 private:
  std::function<void()> run_{};
  std::function<void(Writer&)> encode_{};
  void (*run_sent_)(Reader&) = nullptr;
};

struct PoolOptions {
  Initializer initializer{};            // run by each worker before its first task
  std::size_t max_tasks_per_child = 0;  // processes: replace a worker after so many tasks; 0: never
  std::optional<std::uint64_t> seed{};  // of task_rng(); 0 where none is given, a task's own inside a task
};

}  // namespace furrow

// What the async backend (compiled into the library) and <furrow/async.hpp> (compiled into the program, the
// only place that knows Asio) say to each other. Not for direct use.
//
// A loop, its tasks and their host belong to one thread, but for AsyncLoop::wake().
#pragma once

#include <cstdint>
#include <exception>

#include "furrow/detail/map_call.hpp"

namespace furrow::detail {

// Makes SCOPE (null: none) the answer to task_index() and task_rng() on this thread, and returns what was.
TaskScope* switch_scope(TaskScope* scope) noexcept;

struct AsyncTask;

class AsyncHost : public TaskHost {
 public:
  virtual void ended(AsyncTask& task, std::exception_ptr error) = 0;  // on the loop's thread
};

// A place for one coroutine after another; alive until the loop is gone.
struct AsyncTask : TaskScope {
  AsyncTask(int of_worker, std::uint64_t with_seed, std::uint64_t of_number, AsyncHost* of_host) noexcept
      : TaskScope(of_worker, with_seed, of_number, of_host), async_host(of_host) {}
  AsyncHost* async_host;         // borrowed
  std::uint64_t generation = 0;  // of the coroutine: what an older one left behind is not in this task
  void* signal = nullptr;        // the loop's
};

class AsyncLoop {
 public:
  virtual ~AsyncLoop() = default;  // drops coroutines that have not ended
  // Runs what is ready, for which it waits until UNTIL_NS of the steady clock at most.
  virtual void run(std::int64_t until_ns) = 0;
  virtual void wake() = 0;  // from any thread: lets run() return
  virtual void cancel(AsyncTask& task) = 0;
};

}  // namespace furrow::detail

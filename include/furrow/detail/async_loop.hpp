// The interface between the async backend, which is compiled into the library, and <furrow/async.hpp>, which
// is compiled into the program and is the only part that knows Asio. Not for direct use.
//
// A loop, its tasks and their host belong to one thread, except for AsyncLoop::wake().
#pragma once

#include <cstdint>
#include <exception>

#include "furrow/detail/abi.hpp"
#include "furrow/detail/map_call.hpp"

namespace FURROW_NAMESPACE::detail {

// Makes SCOPE (null: none) the one that task_index() and task_rng() use on this thread, and returns the
// previous one.
FURROW_API TaskScope* switch_scope(TaskScope* scope) noexcept;

struct AsyncTask;

class FURROW_API AsyncHost : public TaskHost {
 public:
  // Both on the loop's thread.
  virtual void start_some() = 0;
  virtual void ended(AsyncTask& task, std::exception_ptr error) = 0;
};

// Runs one coroutine after another; exists until the loop is destroyed.
struct FURROW_API AsyncTask : TaskScope {
  AsyncTask(const TaskOrigin& origin, AsyncHost* of_host) noexcept
      : TaskScope(origin, of_host), async_host(of_host) {}
  AsyncHost* async_host;  // borrowed
  // Of the current coroutine. What an earlier coroutine left running does not belong to this task.
  std::uint64_t generation = 0;
  void* signal = nullptr;  // owned by the loop
};

class FURROW_API AsyncLoop {
 public:
  virtual ~AsyncLoop() = default;  // drops coroutines that have not ended
  // Runs what is ready; waits for it until UNTIL_NS of the steady clock at most. STARTER, if there is one, starts
  // coroutines from inside of the loop: there they begin at once, and take the memory that others have left.
  virtual void run(std::int64_t until_ns, AsyncHost* starter) = 0;
  virtual void wake() = 0;  // makes run() return; may be called from any thread
  virtual void cancel(AsyncTask& task) = 0;
};

}  // namespace FURROW_NAMESPACE::detail

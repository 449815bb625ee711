// Where a call is until it is settled.
#pragma once

#include <cstdint>

#include "furrow/detail/call_node.hpp"

namespace furrow::pool {

// Any thread may call these.
class CallQueue {
 public:
  virtual ~CallQueue() = default;
  // Runs TASK on this thread if it is queued, and this is one of the threads that may run it.
  virtual bool run_if_queued(detail::TaskNode* /*task*/) { return false; }
  // Removes CALL if nobody has begun it; then its caller settles it. Otherwise false, and it is asked to end if that takes
  // more than its stop token and its programs.
  virtual bool cancel(detail::CallNode& call) noexcept = 0;
};

// For calls whose results are read by the program's own threads: apply_async over processes. pump() never throws.
class CallPump : public CallQueue {
 public:
  // Settles calls that have come back, and sends those that wait; if there are none, sleeps until there are,
  // for at most AT_MOST_NS. Returns false at once if another thread is doing this, or this thread is already
  // inside of pump().
  virtual bool pump(std::int64_t at_most_ns) noexcept = 0;
  // Throws PoolError in a process that cannot wait for these calls: a worker that inherited them.
  virtual void check_here() const = 0;
};

}  // namespace furrow::pool

// For calls whose results are read by the program's own threads: apply_async over processes.
#pragma once

#include <cstdint>

namespace furrow::pool {

// Any thread may call these. pump() never throws.
class CallPump {
 public:
  virtual ~CallPump() = default;
  // Settles calls that have come back, and sends those that wait; if there are none, sleeps until there are,
  // for at most AT_MOST_NS. Returns false at once if another thread is doing this, or this thread is already
  // inside of pump().
  virtual bool pump(std::int64_t at_most_ns) noexcept = 0;
  // Throws PoolError in a process that cannot wait for these calls: a worker that inherited them.
  virtual void check_here() const = 0;
};

}  // namespace furrow::pool

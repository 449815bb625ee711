// Calls that need somebody's thread to come back: apply_async over processes.
#pragma once

#include <cstdint>

namespace furrow::pool {

// Any thread may call these. Neither throws out of a noexcept caller: pump() never throws.
class CallPump {
 public:
  virtual ~CallPump() = default;
  // Settles what has come back and hands out what waits; where there is nothing of either, sleeps until there
  // is, AT_MOST_NS. False, at once, where another thread is doing that, or this one further up.
  virtual bool pump(std::int64_t at_most_ns) noexcept = 0;
  // Throws PoolError in a process that cannot wait for these calls, a worker that inherited them.
  virtual void check_here() const = 0;
};

}  // namespace furrow::pool

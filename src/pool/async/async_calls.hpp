// Single calls of coroutines: one thread on which they take turns.
//
// Threads. push() and wait() from any; the rest is the thread's own. Shutdown: the destructor settles calls
// that have not begun as cancelled, waits for those that run, and joins.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "furrow/detail/call_node.hpp"
#include "pool/async/async_tasks.hpp"

namespace furrow::pool {

class AsyncCalls {
 public:
  // INITIALIZER runs on the thread before its first call; PoolError where it throws.
  AsyncCalls(const detail::AsyncStart& how, int in_flight, const std::function<void()>& initializer);
  ~AsyncCalls();

  void push(detail::CallNode* call);
  void wait();  // until no call is under way

 private:
  void serve();
  bool begin_calls();  // false when all is over
  void settle(AsyncTasks::Task& task);

  std::mutex mutex_;
  std::condition_variable settled_;
  std::deque<detail::CallNode*> queue_;
  std::uint64_t under_way_ = 0;  // pushed and not settled
  bool closing_ = false;
  AsyncTasks tasks_;
  std::jthread thread_;  // last: ends before what it uses
};

}  // namespace furrow::pool

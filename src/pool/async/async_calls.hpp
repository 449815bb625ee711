// Runs single calls of coroutines, which take turns on one thread.
//
// Thread-safety: any thread may call push() and wait(); the rest belongs to that one thread. Shutdown: the
// destructor settles calls that have not begun as cancelled if their Future is kept, runs the others, waits for those
// that run, and joins the thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "furrow/detail/call_node.hpp"
#include "furrow/options.hpp"
#include "pool/async/async_tasks.hpp"
#include "pool/engine.hpp"
#include "pool/task/call_pump.hpp"

namespace furrow::pool {

class AsyncCalls : public CallQueue {
 public:
  // Throws PoolError if the initializer throws. OPTIONS must outlive this.
  AsyncCalls(const detail::AsyncStart& how, int in_flight, const PoolOptions& options);
  ~AsyncCalls() override;

  void push(detail::CallNode* call);
  void wait();  // until all calls are settled
  bool cancel(detail::CallNode& call) noexcept override;
  void cancel_all();  // calls that know that they are cancelled
  Engine::CallCounts counts();

 private:
  void serve();
  bool begin_calls();  // false when this is closing and no call is left
  void settle(AsyncTasks::Task& task);
  void cancel_running();

  std::mutex mutex_;
  std::condition_variable settled_;
  std::deque<detail::CallNode*> queue_;
  std::uint64_t pushed_ = 0;
  std::uint64_t unsettled_ = 0;  // of those
  bool closing_ = false;
  std::atomic<bool> cancels_{false};  // some calls that run are cancelled
  AsyncTasks tasks_;
  std::jthread thread_;  // last, so that it ends before the members that it uses
};

}  // namespace furrow::pool

#include "pool/async/async_calls.hpp"

#include <pthread.h>

#include <algorithm>
#include <future>
#include <utility>

#include "pool/task/failure.hpp"
#include "pool/task/finalizer.hpp"

namespace furrow::pool {

AsyncCalls::AsyncCalls(const detail::AsyncStart& how, int in_flight, const PoolOptions& options)
    : tasks_(how.make_loop(), in_flight, 1) {
  std::promise<std::string> started;
  thread_ = std::jthread([this, &options, &started] {
    ::pthread_setname_np(::pthread_self(), "furrow-async");
    std::string error;
    try {
      if (options.initializer) options.initializer();
    } catch (...) {
      error = initializer_failed("the thread that runs calls", current_failure().message);
    }
    const bool failed = !error.empty();
    started.set_value(std::move(error));
    if (failed) return;
    serve();
    run_finalizer(options.finalizer, 0);
  });
  const std::string error = started.get_future().get();
  if (!error.empty()) throw PoolError(error);
}

AsyncCalls::~AsyncCalls() {
  std::deque<detail::CallNode*> dropped;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    const auto kept = std::stable_partition(queue_.begin(), queue_.end(),
                                            [](const auto* each) { return !each->is_kept(); });
    dropped.assign(kept, queue_.end());
    queue_.erase(kept, queue_.end());
  }
  for (detail::CallNode* each : dropped) each->drop();
  tasks_.wake();
  thread_.join();
}

void AsyncCalls::push(detail::CallNode* call) {
  call->call_queue = this;
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(call);
    ++pushed_;
    ++unsettled_;
  }
  tasks_.wake();
}

void AsyncCalls::wait() {
  if (std::this_thread::get_id() == thread_.get_id())
    throw PoolError("a task cannot wait for all tasks of its own Pool: it is one of them");
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [this] { return unsettled_ == 0; });
}

Engine::CallCounts AsyncCalls::counts() {
  const std::lock_guard lock(mutex_);
  return {unsettled_, pushed_ - unsettled_};
}

bool AsyncCalls::cancel(detail::CallNode& call) noexcept {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find(queue_.begin(), queue_.end(), &call);
    if (found != queue_.end()) {
      queue_.erase(found);
      if (--unsettled_ == 0) settled_.notify_all();
      return true;
    }
  }
  cancels_.store(true);
  tasks_.wake();
  return false;
}

void AsyncCalls::cancel_all() {
  std::deque<detail::CallNode*> unbegun;
  {
    const std::lock_guard lock(mutex_);
    unbegun.swap(queue_);
  }
  for (detail::CallNode* each : unbegun) each->settle_cancelled();
  {
    const std::lock_guard lock(mutex_);
    unsettled_ -= unbegun.size();
    if (unsettled_ == 0) settled_.notify_all();
  }
  cancels_.store(true);
  tasks_.wake();
}

void AsyncCalls::cancel_running() {
  if (cancels_.exchange(false))
    tasks_.cancel_if([](const AsyncTasks::Task& task) {
      return static_cast<detail::CallNode*>(task.work.owner)->is_cancelled();
    });
}

void AsyncCalls::serve() {
  while (begin_calls()) {
    tasks_.step(AsyncTasks::kNever);
    cancel_running();
    while (AsyncTasks::Task* task = tasks_.next_ended()) settle(*task);
  }
}

bool AsyncCalls::begin_calls() {
  std::unique_lock lock(mutex_);
  while (!queue_.empty() && !tasks_.full()) {
    detail::CallNode* call = queue_.front();
    queue_.pop_front();
    lock.unlock();  // the call may push another call before it first waits
    if (call->is_cancelled()) {
      call->settle_cancelled();
      lock.lock();
      if (--unsettled_ == 0) settled_.notify_all();
      continue;
    }
    tasks_.begin({call->async(), call, 0, call->timeout_s(), call->stoppable(), call}, call->home->seed,
                 call->number);
    lock.lock();
  }
  return !closing_ || !tasks_.idle() || !queue_.empty();
}

void AsyncCalls::settle(AsyncTasks::Task& task) {
  auto* call = static_cast<detail::CallNode*>(task.work.owner);
  if (task.error) {
    try {
      rethrow_end(task);
    } catch (...) {
      Failure failure = current_failure();
      failure.attempts = call->count_failure();
      if (failure.attempts <= call->retries() && !call->is_cancelled()) {
        tasks_.again(task);
        return;
      }
      call->fail(std::move(failure));
    }
  }
  tasks_.give_back(task);
  call->settle();
  const std::lock_guard lock(mutex_);
  if (--unsettled_ == 0) settled_.notify_all();
}

}  // namespace furrow::pool

// The pool of threads that most programs write for themselves, and that several libraries are: one queue, one lock, one
// condition variable. It stands for those that Debian does not have.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <queue>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace bench {

class PlainPool {
 public:
  explicit PlainPool(int workers) {
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { serve(); });
  }
  ~PlainPool() {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    queued_.notify_all();
  }

  void post(std::function<void()> call) {
    {
      const std::lock_guard lock(mutex_);
      calls_.push(std::move(call));
      ++left_;
    }
    queued_.notify_one();
  }
  template <class F>
  auto submit(F f) {
    auto task = std::make_shared<std::packaged_task<std::invoke_result_t<F>()>>(std::move(f));
    auto result = task->get_future();
    post([task] { (*task)(); });
    return result;
  }
  void wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return left_ == 0; });
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      queued_.wait(lock, [this] { return ends_ || !calls_.empty(); });
      if (calls_.empty()) return;
      const std::function<void()> call = std::move(calls_.front());
      calls_.pop();
      lock.unlock();
      call();
      lock.lock();
      if (--left_ == 0) done_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable queued_, done_;
  std::queue<std::function<void()>> calls_;
  std::uint64_t left_ = 0;  // calls that have not ended
  bool ends_ = false;
  std::vector<std::jthread> threads_;  // last, so that they end first
};

}  // namespace bench

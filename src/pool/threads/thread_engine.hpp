// The threads backend: WorkerThreads, and groups of helpers for maps.
//
// A map's caller is its first worker. The others are helpers, which are queued for the worker threads like
// any task. When the caller finds nothing left to claim, it takes back the helpers that no thread has begun,
// and waits for those that run. So a map inside a task, or at the same time as other maps, needs no thread
// but its caller's to make progress.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "pool/engine.hpp"
#include "pool/threads/worker_threads.hpp"

namespace furrow::pool {

class ThreadEngine : public Engine {
 public:
  // The caller's thread runs no initializer and no finalizer, so if there is one, only the worker threads run maps; nor
  // has it a stack of the size that was asked for.
  ThreadEngine(int workers, const PoolOptions& options);
  ~ThreadEngine() override;

  int workers() const override { return workers_; }
  void check(const detail::MapCall& call, const MapOptions& options) const override;
  void check(const detail::CallNode& call) const override;
  void run(RunningMap& run) override;
  std::unique_ptr<detail::Stream> open(RunningMap& run) override;
  void submit(detail::CallNode* call, const std::stop_token& stop) override;
  void wait() override;
  void cancel_calls() override;
  CallCounts call_counts() override;

 private:
  class HelperGroup;
  class Stream;
  std::unique_ptr<HelperGroup> borrow();
  void give_back(std::unique_ptr<HelperGroup> group);

  int workers_;
  bool callers_work_;
  // Parts of maps and streams that were given to the threads and not taken back, and those of them that have ended.
  struct Parts {
    std::atomic<std::int64_t> given{0}, ended{0};
    bool take_back(WorkerThreads& threads, detail::TaskNode& part);
  } parts_;
  std::mutex mutex_;
  // Groups of finished maps, so that the next maps allocate nothing.
  std::vector<std::unique_ptr<HelperGroup>> idle_;
  WorkerThreads threads_;  // last: its threads use the rest
};

}  // namespace furrow::pool

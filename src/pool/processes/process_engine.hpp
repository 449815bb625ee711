// The processes backend. docs/design/pool.md describes it: which process forks which, what a worker sees, and
// what happens when one dies.
//
// An engine works in the process that made it. Maps also work in children of that process that inherited it
// (a task that uses the Pool that it runs in): such a child does not use its parent's shared memory.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <vector>

#include "furrow/options.hpp"
#include "os/memory/shared_memory.hpp"
#include "pool/engine.hpp"
#include "pool/processes/persistent_workers.hpp"

namespace furrow::pool {

// Keeps segments for reuse, since fresh shared pages cost some twenty times as much.
class SegmentCache {
 public:
  os::SharedMemory take(std::size_t size);  // throws PoolError
  void put(os::SharedMemory segment);

 private:
  void forget_if_inherited();

  std::mutex mutex_;
  pid_t owner_ = 0;
  std::vector<os::SharedMemory> warm_;
};

class ProcessEngine : public Engine {
 public:
  ProcessEngine(int workers, const PoolOptions& options);
  ~ProcessEngine() override;

  int workers() const override { return workers_; }
  void check(const detail::MapCall& call, const MapOptions& options) const override;
  void check(const detail::CallNode& call) const override;
  void run(RunningMap& run) override;
  std::unique_ptr<detail::Stream> open(RunningMap& run) override;
  void submit(detail::CallNode* call, const std::stop_token& stop) override;
  void wait() override;
  void cancel_calls() override;
  CallCounts call_counts() override { return persistent_.call_counts(); }

 private:
  const int workers_;
  const PoolOptions options_;
  SegmentCache cache_{};
  PersistentWorkers persistent_;
};

}  // namespace furrow::pool

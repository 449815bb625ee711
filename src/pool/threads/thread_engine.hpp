// The threads backend: a ThreadCrew, and gangs of helpers for maps.
//
// A map's caller is its first worker; the others come from the crew, each as a helper that is queued like any
// task. When the caller finds nothing left to claim, it takes back the helpers that no thread has begun, and
// waits for those that run. So a map inside a task, or beside other maps, needs no thread but its caller's to
// go on.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "pool/engine.hpp"
#include "pool/threads/thread_crew.hpp"

namespace furrow::pool {

class ThreadEngine : public Engine {
 public:
  // With an INITIALIZER, which the caller's thread has not run, maps are left to the crew.
  ThreadEngine(int workers, const std::function<void()>& initializer);
  ~ThreadEngine() override;

  int workers() const override { return workers_; }
  void check(const detail::MapCall& call, const MapOptions& options) const override;
  void check(const detail::CallNode& call) const override;
  void run(MapRun& run) override;
  std::unique_ptr<detail::Stream> open(MapRun& run) override;
  void submit(detail::CallNode* call) override;
  void wait() override;

 private:
  class Gang;
  class Stream;
  std::unique_ptr<Gang> borrow();
  void give_back(std::unique_ptr<Gang> gang);

  int workers_;
  bool callers_work_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Gang>> idle_;  // of finished maps, so that the next ones allocate nothing
  ThreadCrew crew_;                          // last: its threads use the rest
};

}  // namespace furrow::pool

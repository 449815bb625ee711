// The processes backend. docs/design/pool.md describes it: who forks whom, what a worker may see, and what
// happens when one dies.
//
// An engine works for the process that made it, and for maps also in children of that process that inherited
// it (a task that uses the Pool it runs in): such a child starts with none of the memory that its parent
// uses.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <vector>

#include "furrow/options.hpp"
#include "os/memory/shared_memory.hpp"
#include "pool/engine.hpp"
#include "pool/processes/standing_crew.hpp"

namespace furrow::pool {

// Segments that were used before: fresh shared pages cost some twenty times as much.
class SegmentShelf {
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
  void run(MapRun& run) override;
  std::unique_ptr<detail::Stream> open(MapRun& run) override;
  void submit(detail::CallNode* call) override;
  void wait() override;

 private:
  const int workers_;
  const PoolOptions options_;
  SegmentShelf shelf_{};
  StandingCrew standing_;
};

}  // namespace furrow::pool

// A worker process that was forked for one map: it claims indices from its own range, runs them, and reports.
//
// It has a copy of everything that its parent had when the map was called; RUN, OPTIONS and RANGES are the
// parent's. Large numbers of plain results are written straight into PARENT's memory. Runs on the process's
// one thread.
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "furrow/options.hpp"
#include "pool/map/running_map.hpp"
#include "pool/workers/outbox.hpp"
#include "pool/workers/worker_host.hpp"

namespace furrow::pool {

// What a worker does before its first task. False if that failed, which is then reported.
bool begin_worker(const std::function<void()>& initializer, WorkerSlot& slot, Outbox& outbox);

class ForkedWorker {
 public:
  ForkedWorker(const WorkerMemory& memory, int worker, const RunningMap& run, const PoolOptions& options,
               WorkStealingRanges ranges, pid_t parent);
  int main();

 private:
  bool ask();
  void run_positions(IndexRange positions);
  void run_measured(IndexRange positions);
  void run_indices(IndexRange indices);
  void run_plain(IndexRange indices);
  bool store_there(IndexRange indices, const std::byte* results);

  const WorkerMemory& memory_;
  const int worker_;
  const RunningMap& run_;
  const PoolOptions& options_;
  WorkStealingRanges ranges_;
  WorkerSlot& slot_;
  Outbox outbox_;
  WorkerHost host_;
  const pid_t parent_;
  std::byte* plain_output_;  // in the parent; null if it cannot be written from here
  const bool in_place_;      // results are made in the outbox
  const std::uint64_t most_in_block_;
  const std::uint64_t claim_;  // positions claimed at a time; 0: as many as are run at a time
  ChunkSizer sizer_{0};        // of those that are run at a time
  bool timed_;                 // observers want the times of chunks
  bool measuring_;             // not if each item is run by itself
  std::uint64_t tasks_ = 0;
  detail::TaskScope* scope_ = nullptr;
  std::vector<std::byte> aside_{};  // buffer for a result that is too large for the ring
};

}  // namespace furrow::pool

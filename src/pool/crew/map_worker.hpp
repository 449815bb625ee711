// A worker process of a snapshot crew: claims stretches of its own range, runs them, and reports.
//
// It has a copy of everything that its parent had when the map was called; RUN, OPTIONS and BOARD are those
// of the parent. Many plain results are written straight into PARENT's memory. Runs on the process's one
// thread.
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "furrow/options.hpp"
#include "pool/crew/outbox.hpp"
#include "pool/crew/worker_host.hpp"
#include "pool/map/map_run.hpp"

namespace furrow::pool {

// What a worker does before its first task. False where it failed, which is reported then.
bool begin_worker(const std::function<void()>& initializer, WorkerSlot& slot, Outbox& outbox);

class MapWorker {
 public:
  MapWorker(const CrewMemory& memory, int worker, const MapRun& run, const PoolOptions& options,
            RangeBoard board, pid_t parent);
  int main();

 private:
  bool ask();
  void run_places(Span places);
  void run_units(Span units);
  void run_plain(Span units);
  bool store_there(Span units, const std::byte* results);

  const CrewMemory& memory_;
  const int worker_;
  const MapRun& run_;
  const PoolOptions& options_;
  RangeBoard board_;
  WorkerSlot& slot_;
  Outbox outbox_;
  WorkerHost host_;
  const pid_t parent_;
  std::byte* plain_output_;  // in the parent; null where it cannot be written from here
  ChunkSizer sizer_;
  bool timed_;      // times of chunks are wanted
  bool measuring_;  // they are, or chunks size themselves
  std::uint64_t tasks_ = 0;
  detail::TaskScope* scope_ = nullptr;
  std::vector<std::byte> aside_{};  // for a result that is too large for the ring
};

}  // namespace furrow::pool

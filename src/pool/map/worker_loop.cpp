#include "pool/map/worker_loop.hpp"

#include "base/log.hpp"
#include "os/events/clock.hpp"

namespace furrow::pool {

void run_worker_loop(RunningMap& run, WorkStealingRanges& ranges, int worker) {
  detail::TaskScope scope(worker, run.seed, run.number, &run);
  scope.cores_per_task = run.cores_per_task;
  ChunkSizer sizer(run.options.chunksize);
  std::int64_t began = os::monotonic_ns();
  while (!run.stopped()) {
    const IndexRange positions = ranges.claim(worker, sizer.next());
    if (positions.empty()) break;
    run.for_each_range(positions, [&](std::uint64_t begin, std::uint64_t end) {
      if (run.stopped()) return;
      run.call.run(run.call.object, scope, begin, end);
      const std::int64_t ended = os::monotonic_ns();
      sizer.measured(end - begin, static_cast<std::uint64_t>(ended - began));
      run.chunk_done({worker, RunningMap::ran(scope, {begin, end}), began, ended});
      began = ended;
    });
  }
  FURROW_LOG(pool, debug, "worker {} has nothing left to claim in map {}, its chunks held {} indices at last",
             worker, run.number, sizer.next());
}

}  // namespace furrow::pool

#include "pool/map/worker_loop.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "os/events/clock.hpp"

namespace furrow::pool {

// A claim of a given size is run in pieces of some 50 us, so that a map that is stopped begins no further item of it.
void run_worker_loop(RunningMap& run, WorkStealingRanges& ranges, int worker) {
  detail::TaskScope scope(run.origin(worker), &run);
  const std::uint64_t claim = run.options.chunksize;
  ChunkSizer sizer(0);
  std::int64_t began = os::monotonic_ns();
  while (!run.stopped()) {
    const IndexRange positions = ranges.claim(worker, claim ? claim : sizer.next());
    if (positions.empty()) break;
    run.for_each_range(positions, [&](std::uint64_t begin, std::uint64_t end) {
      IndexRange done{begin, begin};
      const std::int64_t chunk_began = began;
      while (done.end < end && !run.stopped()) {
        const std::uint64_t from = done.end;
        done.end += std::min(end - from, sizer.next());
        run.run_indices(run.call.object, scope, {from, done.end});
        const std::int64_t ended = os::monotonic_ns();
        sizer.measured(done.end - from, static_cast<std::uint64_t>(ended - began));
        began = ended;
      }
      if (!done.empty()) run.chunk_done({worker, RunningMap::ran(scope, done), chunk_began, began});
    });
  }
  FURROW_LOG(pool, debug, "worker {} has nothing left to claim in map {}, its chunks held {} indices at last",
             worker, run.number, sizer.next());
}

}  // namespace furrow::pool

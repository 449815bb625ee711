#include "pool/map/participant.hpp"

#include <chrono>

namespace furrow::pool {

std::int64_t steady_ns() noexcept {
  using std::chrono::steady_clock;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

void participate(MapRun& run, RangeBoard& board, int worker) {
  detail::TaskScope scope(worker, run.seed, run.number, &run);
  scope.share = run.share;
  ChunkSizer sizer(run.options.chunksize);
  std::int64_t began = steady_ns();
  while (!run.stopped()) {
    const Span places = board.claim(worker, sizer.next());
    if (places.empty()) return;
    run.for_units(places, [&](std::uint64_t begin, std::uint64_t end) {
      if (run.stopped()) return;
      run.call.run(run.call.object, scope, begin, end);
      const std::int64_t ended = steady_ns();
      sizer.measured(end - begin, static_cast<std::uint64_t>(ended - began));
      run.chunk_done({worker, MapRun::ran(scope, {begin, end}), began, ended});
      began = ended;
    });
  }
}

}  // namespace furrow::pool

// Maps over coroutines: how one unit begins and is settled, and the stream behind imap.
#pragma once

#include <cstdint>
#include <deque>
#include <list>

#include "pool/async/async_tasks.hpp"
#include "pool/map/map_run.hpp"

namespace furrow::pool {

inline constexpr std::int64_t kTick_ns = 100'000'000;

void begin_unit(AsyncTasks& tasks, const MapRun& run, void* object, std::uint64_t unit, void* owner);
// TASK has ended: reports its unit, unless that was cancelled with its map, and gives it back. False where it
// is tried again.
bool settle_unit(AsyncTasks& tasks, MapRun& run, AsyncTasks::Task& task);

// Items of all submitted chunks are in flight together, in their order; they go on while they are waited for.
class AsyncStream final : public detail::Stream {
 public:
  AsyncStream(MapRun& run, int in_flight);
  ~AsyncStream() override;
  void submit(void* chunk, std::uint64_t begin, std::uint64_t end) override;
  Done wait() override;
  bool take_failure(std::uint64_t index, Failure& failure) override;

 private:
  struct Chunk {
    void* object;
    std::uint64_t next, end;  // not begun yet
    std::uint64_t left;       // not ended
    std::int64_t began_ns = 0;
    std::list<Chunk>::iterator self{};
  };
  void fill();
  void step();

  MapRun& run_;
  AsyncTasks tasks_;
  std::list<Chunk> chunks_;
  std::deque<Chunk*> done_;
};

}  // namespace furrow::pool

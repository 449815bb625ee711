// Maps over coroutines: how the task for one index begins and is settled, and the stream behind imap.
#pragma once

#include <cstdint>
#include <deque>
#include <list>

#include "pool/async/async_tasks.hpp"
#include "pool/map/running_map.hpp"

namespace furrow::pool {

inline constexpr std::int64_t kTick_ns = 100'000'000;

void begin_task(AsyncTasks& tasks, const RunningMap& run, void* object, std::uint64_t index, void* owner);
// Called when TASK has ended: reports its index, unless the map was cancelled, and gives the task back. False
// if it is tried again.
bool settle_task(AsyncTasks& tasks, RunningMap& run, AsyncTasks::Task& task);

// The tasks of all submitted chunks are in flight together, begun in order. They run only during wait().
class AsyncStream final : public detail::Stream {
 public:
  AsyncStream(RunningMap& run, int in_flight);
  ~AsyncStream() override;
  void submit(void* chunk, std::uint64_t begin, std::uint64_t end) override;
  Done wait() override;
  bool take_failure(std::uint64_t index, Failure& failure) override;

 private:
  struct Chunk {
    void* object;
    std::uint64_t next, end;  // indices that have not begun
    std::uint64_t left;       // number of indices that have not ended
    std::int64_t began_ns = 0;
    std::list<Chunk>::iterator self{};
  };
  void fill();
  void step();

  RunningMap& run_;
  AsyncTasks tasks_;
  std::list<Chunk> chunks_;
  std::deque<Chunk*> done_;
  const RunningMap::Waker waker_;
};

}  // namespace furrow::pool

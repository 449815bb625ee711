// Workers in other processes that run chunks: on this machine (MessageWorkers), or on other ranks as well.
//
// It has no thread of its own: workers run what was sent to them, and each call of pump() sends more and
// takes their reports. If the workers cannot go on, all chunks fail with kLost and a message that says why.
//
// Thread-safety: one thread at a time, except for nudge().
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pool/work/chunk.hpp"

namespace furrow::pool {

class ChunkWorkers {
 public:
  virtual ~ChunkWorkers() = default;
  virtual void submit(Chunk* chunk) = 0;
  // Does what can be done now; if there is nothing, sleeps until there is something, for at most AT_MOST_NS.
  void pump(std::int64_t at_most_ns) {
    if (!work() && at_most_ns > 0) rest(at_most_ns);
  }
  // The two halves of pump(), for callers that release a lock while they sleep. work() returns whether there
  // was anything to do.
  virtual bool work() = 0;
  virtual void rest(std::int64_t at_most_ns) = 0;
  virtual bool idle() const = 0;
  // Takes back all work that no worker has begun; returns the chunks of which nothing was begun at all.
  virtual std::vector<Chunk*> withdraw() = 0;
  // Ends the tasks that run for the chunks with this Chunk::stop_id(); what has not begun fails as cancelled. A task that
  // has asked whether it should end has some time for that.
  virtual void stop(std::uint64_t id) = 0;
  // MAP has no further chunks, so what was kept for them can be released.
  virtual void forget(std::uint64_t /*map*/) {}
  virtual const std::string& broken() const = 0;  // why nothing works any longer; empty while all is well
  virtual void nudge() = 0;                       // wakes a thread that sleeps in pump(); from any thread
  virtual void shut_down() = 0;                   // the workers end when they have nothing to do

  // How a map should be cut into chunks for these workers.
  struct FlowControl {
    std::size_t chunks = 0;      // submitted at a time
    std::uint64_t indices = 0;   // at least this many submitted at a time, if there are so many
    std::int64_t chunk_ns = 0;   // time that the tasks of a chunk should take
    bool splits_chunks = false;  // whether chunks are split into parts of Chunk::chunksize indices
  };
  virtual FlowControl flow_control() const = 0;

  std::size_t window = 2;  // chunks that a worker may have sent to it at a time
  std::function<void(int worker)> restarted = [](int) {};  // called when a dead worker has been replaced
};

}  // namespace furrow::pool

// The interface between a Pool and its backends.
//
// Any thread may call run(), submit() and open(), also several at once, and from inside a task of the same
// engine. Destroying an engine waits for running tasks. Calls that have not begun are run if nobody keeps their
// Future, and else settled as cancelled.
#pragma once

#include <memory>

#include "furrow/detail/call_node.hpp"
#include "furrow/detail/map_call.hpp"
#include "furrow/detail/rank_call.hpp"
#include "furrow/errors.hpp"
#include "pool/map/running_map.hpp"

namespace furrow::pool {

class Engine {
 public:
  virtual ~Engine() = default;
  virtual int workers() const = 0;
  // Throws PoolError if this backend cannot do what is asked, before anything runs.
  virtual void check(const detail::MapCall& call, const MapOptions& options) const = 0;
  virtual void check(const detail::CallNode& call) const = 0;
  // Runs every index, and stores its result or records its failure; not all of them if RUN is stopped.
  virtual void run(RunningMap& run) = 0;
  // RUN must outlive the stream. Its call is a prototype: indices and their inputs come with the chunks.
  virtual std::unique_ptr<detail::Stream> open(RunningMap& run) = 0;
  // Settles CALL later, whatever happens, and then drops one reference to it. STOP cancels it.
  virtual void submit(detail::CallNode* call, const std::stop_token& stop) = 0;
  virtual void wait() = 0;  // until all submitted calls are settled
  // Settles the calls that have not begun, and asks the running ones to end. All of them know that they are cancelled.
  virtual void cancel_calls() = 0;
  // From any thread, at any time. UNFINISHED is never too small, and ENDED never too large.
  struct CallCounts {
    std::uint64_t unfinished = 0;        // submitted calls that are not settled
    std::uint64_t ended = 0;             // the others
    std::uint64_t workers_replaced = 0;  // worker processes, while no map ran on them
  };
  virtual CallCounts call_counts() = 0;
  // For backends whose workers are on ranks: the number of workers of each rank, and operations that run on
  // the ranks. The others throw PoolError.
  virtual std::vector<int> rank_workers() const { throw PoolError(no_ranks()); }
  virtual void on_ranks(const detail::RankCall&) { throw PoolError(no_ranks()); }

 private:
  static const char* no_ranks() {
    return "partitioned data need the ranks of a Pool over MPI: make the Pool with furrow::mpi()";
  }
};

}  // namespace furrow::pool

// The seam between a Pool and its backends.
//
// Any thread may call run(), submit() and open(), also several at once, and from inside a task of the same
// engine. Destroying an engine waits for what runs, and settles calls that have not begun as cancelled.
#pragma once

#include <memory>
#include <string>

#include "furrow/detail/call_node.hpp"
#include "furrow/detail/map_call.hpp"
#include "furrow/detail/rank_call.hpp"
#include "furrow/errors.hpp"
#include "pool/map/map_run.hpp"

namespace furrow::pool {

class Engine {
 public:
  virtual ~Engine() = default;
  virtual int workers() const = 0;
  // Throws PoolError where this backend cannot do what is asked, before anything runs.
  virtual void check(const detail::MapCall& call, const MapOptions& options) const = 0;
  virtual void check(const detail::CallNode& call) const = 0;
  // Every unit is run and its result stored, or its failure recorded, when this returns; fewer where RUN was
  // stopped.
  virtual void run(MapRun& run) = 0;
  // RUN outlives the stream. Its call is the prototype: units and their inputs come with the chunks.
  virtual std::unique_ptr<detail::Stream> open(MapRun& run) = 0;
  // Settles CALL later, whatever happens, and gives up one reference to it then.
  virtual void submit(detail::CallNode* call) = 0;
  virtual void wait() = 0;  // until no submitted call is under way
  // Of backends whose workers are on ranks: how many each has, and operations there. PoolError otherwise.
  virtual std::vector<int> rank_workers() const { throw PoolError(no_ranks()); }
  virtual void on_ranks(const detail::RankCall&) { throw PoolError(no_ranks()); }

 private:
  static const char* no_ranks() {
    return "partitioned data live on the ranks of a Pool over MPI: furrow::mpi()";
  }
};

}  // namespace furrow::pool

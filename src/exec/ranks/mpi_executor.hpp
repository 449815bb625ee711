// Runs attempts on the ranks that mpirun or srun has started: on rank 0 with a LocalExecutor, on the other
// ranks with their RankRunner.
//
// States of an attempt:
//
//   waiting --(a rank has room)--> sent --(exit)--> reported
//      ^                             |
//      +---------(returned)----------+
//
// - waiting: for room on a rank, first come, first served. The farm on rank 0 counts all cores together and
//   does not know that a job of three cores does not fit on two ranks with two each.
// - sent: where jobs are short, a rank gets more of them than it has room for, so that a core that becomes
//   free finds the next job there. Jobs that are queued there while another rank could run them are recalled
//   (returned).
// - reported: after its output has arrived.
//
// A launch's streams are passed on part by part; a caller that needs what this cannot do must refuse it. If a
// rank dies, MPI or the launcher kills all others, including this process. Shutdown: as for LocalExecutor.
// Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "exec/output/output_sink.hpp"
#include "exec/ranks/rank_capacity.hpp"
#include "exec/ranks/rank_set.hpp"
#include "os/events/event_loop.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

struct MpiOptions {
  std::vector<RankShare> shares{};                                 // by rank
  std::function<RankNeeds(const plan::Attempt& attempt)> needs{};  // empty: one core each
  // Launches have descriptors for their output, which is passed on at once.
  bool has_streams = false;
  bool may_send_ahead = true;
  std::vector<LocalOptions::Step> ending{};  // as in LocalOptions
  std::string scratch{};                     // the folder for long output; empty: /tmp
  BatchEvaluator evaluator{};                // for attempts that fork
};

class MpiExecutor final : public plan::Executor {
 public:
  // Everything is borrowed. LOCAL runs the jobs of rank 0, with the same SINK.
  MpiExecutor(os::EventLoop& loop, RankSet& rank_set, plan::Executor& local, OutputSink* sink,
              MpiOptions options);
  ~MpiExecutor() override;

  // The most jobs that may be sent ahead, over all ranks: a budget may hand out as many cores too many.
  static std::int64_t most_ahead(const std::vector<RankShare>& shares);

  void set_listener(plan::ExitListener* listener) override;
  std::size_t max_running() const override;  // now
  void start(plan::Attempt attempt) override;
  std::size_t running() const override;
  void cancel_all(plan::Stop how) override;
  void interrupt(plan::JobId job, bool timed_out) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace furrow::exec

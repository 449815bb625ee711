// Runs attempts on the ranks that mpirun or srun has started: on rank 0 by a LocalExecutor here, on the
// others by their RankRunner.
//
// States of an attempt:
//
//   waiting --(there is room on a rank)--> sent --(exit)--> reported
//      ^                                     |
//      +-------------(returned)--------------+
//
// - waiting: for room, first come, first served. Rank 0's farm counts cores in all and does not know that a
//   job of three does not fit where two ranks have two each.
// - sent: where jobs are short, a rank gets some more than it has room for, so that its cores find the next
//   one there. Those that lie there while another rank could run them are called back (returned).
// - reported: after what it printed has come.
//
// What cannot be had over MPI is the caller's to refuse: a launch's streams are passed on piece by piece.
// Where a rank dies, MPI or the launcher ends all others; then this process is killed, too. Shutdown as with
// the LocalExecutor. Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "exec/output/output_sink.hpp"
#include "exec/ranks/rank_room.hpp"
#include "exec/ranks/rank_team.hpp"
#include "os/events/event_loop.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

struct MpiOptions {
  std::vector<RankShare> shares{};                                 // by rank
  std::function<RankNeeds(const plan::Attempt& attempt)> needs{};  // empty: one core each
  bool has_streams = false;  // launches come with descriptors for what is printed, which is passed on at once
  bool may_send_ahead = true;
  std::vector<LocalOptions::Step> ending{};  // as in LocalOptions
  std::string scratch{};                     // for output that is long; empty: /tmp
  BatchEvaluator evaluator{};                // for attempts that fork
};

class MpiExecutor final : public plan::Executor {
 public:
  // All borrowed; LOCAL runs what stays on rank 0, with the same SINK.
  MpiExecutor(os::EventLoop& loop, RankTeam& team, plan::Executor& local, OutputSink* sink,
              MpiOptions options);
  ~MpiExecutor() override;

  // The most that may be sent ahead in all: cores that a budget may hand out beyond what there is.
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

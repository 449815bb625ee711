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

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "exec/local/local_options.hpp"
#include "exec/output/output_sink.hpp"
#include "exec/ranks/rank_capacity.hpp"
#include "exec/ranks/rank_record.hpp"
#include "exec/ranks/rank_set.hpp"
#include "os/events/alarm.hpp"
#include "os/events/event_loop.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

struct MpiOptions {
  std::vector<RankShare> shares{};                                 // by rank
  std::function<RankNeeds(const plan::Attempt& attempt)> needs{};  // empty: one core each
  // Launches have descriptors for their output, which is passed on at once.
  bool has_streams = false;
  // As in RankCapacity. A message and its answer take less than this.
  double ahead_s = 0.01;
  std::vector<LocalOptions::Step> ending{};  // as in LocalOptions
  std::string run{};                         // as in LocalOptions
  std::string scratch{};                     // the folder for long output; empty: /tmp
  BatchEvaluator evaluator{};                // for attempts that fork
};

class MpiExecutor final : public plan::Executor, private plan::ExitListener {
 public:
  // Everything is borrowed. LOCAL runs the jobs of rank 0, with the same SINK.
  MpiExecutor(os::EventLoop& loop, RankSet& rank_set, plan::Executor& local, OutputSink* sink,
              MpiOptions options);
  ~MpiExecutor() override;

  // The most jobs that may be sent ahead, over all ranks: a budget may hand out as many cores too many.
  static std::int64_t most_ahead(const std::vector<RankShare>& shares);

  void set_listener(plan::ExitListener* listener) override { listener_ = listener; }
  std::size_t max_running() const override;  // now
  void start(plan::Attempt attempt) override;
  std::size_t running() const override { return running_; }
  void cancel_all(plan::Stop how) override;
  void interrupt(plan::JobId job, bool timed_out) override;

 private:
  struct Rank {
    RankRecords out{};
    std::uint64_t taken = 0;  // bytes of output that were received but not yet confirmed to the rank
  };
  struct Sent;

  void set_up_ranks();
  void on_exit(plan::Exit exit) override;  // for jobs of rank 0
  RankNeeds needs_of(const plan::Attempt& attempt) const;
  bool place(plan::Attempt& attempt);
  void place_waiting();
  void send(std::size_t rank, plan::Attempt attempt, const RankNeeds& needs);
  bool is_elsewhere(std::size_t rank) const;  // on another machine than rank 0
  void begin_input(std::uint64_t request_id, Sent& sent);
  void pump();
  bool receive();
  void take(std::size_t rank, const RankRecordHead& head, std::string_view payload);
  void printed(Sent& sent, bool is_err, std::string_view data);
  void ended(std::uint64_t request_id, plan::Exit exit);
  static void note_stream_errors(const Sent& sent, plan::Exit& exit);
  void returned(std::uint64_t request_id);
  void recall_from_the_stuck();
  void flush();
  void cancel_later(plan::Attempt attempt);

  os::EventLoop& loop_;
  RankSet& rank_set_;
  plan::Executor& local_;
  OutputSink* const sink_;
  const MpiOptions options_;
  const std::uint32_t run_;
  plan::ExitListener* listener_ = nullptr;
  std::size_t running_ = 0;
  RankCapacity capacity_;
  std::vector<Rank> ranks_;
  std::deque<plan::Attempt> waiting_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Sent>> sent_;  // by request id
  std::unordered_map<plan::JobId, RankNeeds> here_;                // on rank 0
  std::vector<plan::Exit> cancelled_;                              // to be reported by pump()
  std::uint64_t last_request_id_ = 0;
  double last_news_ = 0, last_check_ = 0;
  bool is_cancelled_ = false;
  os::Alarm pump_alarm_;
};

}  // namespace furrow::exec

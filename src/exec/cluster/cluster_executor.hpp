// Runs attempts on a cluster: collects them into batches and submits the batches; BatchMonitor follows them.
//
// States of an attempt:
//
//   waiting --> submitting --> submitted --> running --> reported
//      ^            |              |            |           ^
//      |            +--(refused)---|------------|-----------+
//      +--(its batch is gone, and had not begun it)         |
//                                  +--(gone: it had begun)--+
//
// An attempt also waits again if its node failed, its batch was preempted, or nobody knew the batch any longer.
//
// - waiting: until the planner puts it into a batch, for which there must be room in the queue.
// - submitting: its batch is on the disk and the submit command has not answered yet. One submission at a
//   time.
// - gone: as BatchMonitor decides. An end that needs an explanation is held there.
//
// If this object is destroyed without cancel_all(), submitted batches go on and a later engine adopts them.
// Before an engine gives up a batch that has not begun, it takes the batch's claim, so that it never begins.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "exec/batch/batch_spool.hpp"
#include "exec/cluster/batch_monitor.hpp"
#include "exec/cluster/batch_system.hpp"
#include "exec/cluster/batch_writer.hpp"
#include "exec/cluster/cancel_requests.hpp"
#include "exec/cluster/cluster_needs.hpp"
#include "exec/cluster/cluster_options.hpp"
#include "exec/cluster/cluster_output.hpp"
#include "exec/cluster/cluster_queue.hpp"
#include "exec/cluster/left_out_nodes.hpp"
#include "exec/cluster/submitted_batch.hpp"
#include "os/events/alarm.hpp"
#include "os/events/event_loop.hpp"
#include "plan/executor.hpp"
#include "plan/in_flight_jobs.hpp"

namespace furrow::exec {

class ClusterExecutor final : public plan::Executor,
                              public plan::InFlightJobs,
                              private BatchMonitor::Listener {
 public:
  // All borrowed except `system`; `sink` may be null.
  ClusterExecutor(os::EventLoop& loop, std::unique_ptr<BatchSystem> system, NeedsSource& needs,
                  OutputSink* sink, ClusterOptions options);
  ~ClusterExecutor() override;

  void set_listener(plan::ExitListener* listener) override { listener_ = listener; }
  std::size_t max_running() const override { return 10'000'000; }
  void start(plan::Attempt attempt) override;
  std::size_t running() const override { return running_; }
  void cancel_all(plan::Stop how) override;
  std::vector<plan::JobId> release() override;
  void interrupt(plan::JobId job, bool timed_out) override;  // ignored for a job that shares its batch

  InFlightJobs* in_flight_jobs() override { return this; }

  Answer look(const Question& question) override;
  bool has_succeeded(const std::string& key) const override;
  std::string describe(const std::string& key) const override;
  void adopt(const IsOpen& is_open) override;
  void finish(const IsOpen& is_open) override;
  std::size_t submissions() const override { return submissions_; }
  std::size_t in_flight() const override { return monitor_.in_flight(); }

 private:
  using JobPtr = ClusterQueue::JobPtr;

  void adopt_submission(const BatchFolder& folder);
  SubmittedBatch* batch_of(const std::string& key, std::size_t& index) const;

  void flush();
  bool is_worth_collecting(const PlannerOptions& planner, const std::vector<WaitingJob>& waiting) const;
  PlannerOptions planner_options() const;
  void submit(const PlannedSubmission& planned);
  void expect_members(SubmittedBatch& batch);
  void forget(const SubmittedBatch& batch);
  void submitted(Result<std::string> name);
  void refused(const Error& error);
  void refuse_job(JobPtr job, const Error& error);
  void give_up_waiting_for_cancelled();

  void on_end(SubmittedBatch& batch, SubmittedJob& entry) override;
  void on_begun(const SubmittedBatch& batch, const SubmittedJob& entry) override;
  void on_gone(SubmittedBatch& batch) override;
  void on_look() override;
  bool is_running() const override { return running_ > 0; }
  bool is_cancelling() const override { return is_cancelling_; }

  void gone(SubmittedBatch& batch, SubmittedJob& entry);
  bool wait_again(SubmittedBatch& batch, SubmittedJob& entry);
  std::string machine_of(const SubmittedBatch& batch) const;
  void lose(SubmittedJob& entry, const SubmittedBatch& batch, const std::string& why);
  void report(JobPtr job, plan::Exit exit);
  void report_later(JobPtr job, plan::Exit exit);
  void report_soon();

  os::EventLoop& loop_;
  const std::unique_ptr<BatchSystem> system_;
  NeedsSource& needs_;
  const ClusterOptions options_;
  const ClusterOutput output_;
  plan::ExitListener* listener_ = nullptr;
  std::size_t running_ = 0;
  std::size_t submissions_ = 0;
  BatchSpool spool_;
  BatchWriter writer_;
  std::optional<SystemFigures> figures_;
  bool asks_figures_ = false;

  ClusterQueue queue_;
  LeftOutNodes left_out_;
  std::optional<WrittenBatches> submitting_;  // the submit command has not answered yet
  double next_submission_ = 0;
  CancelRequests cancels_;
  BatchMonitor monitor_;
  // by key: jobs in a batch that the farm has not started in this run, as batch and index of the entry
  std::unordered_map<std::string, std::pair<SubmittedBatch*, std::size_t>> adopted_;
  std::optional<BatchMonitor::Reading> reading_;  // for questions about them
  double reading_since_ = 0;
  std::vector<std::pair<JobPtr, plan::Exit>> to_report_;
  bool is_cancelling_ = false, is_leaving_ = false;
  os::Alarm flush_alarm_;
  std::uint64_t report_timer_ = 0, cancel_timer_ = 0;
};

}  // namespace furrow::exec

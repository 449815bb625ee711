// The implementation of ClusterExecutor: cluster_executor.cpp starts and cancels, cluster_monitoring.cpp
// follows journals, asks the batch system and reports.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "exec/cluster/batch_writer.hpp"
#include "exec/cluster/cluster_executor.hpp"
#include "exec/cluster/cluster_queue.hpp"
#include "exec/cluster/submitted_batch.hpp"
#include "os/events/alarm.hpp"
#include "os/files/spill.hpp"

namespace furrow::exec {

class ClusterExecutor::Impl {
 public:
  Impl(os::EventLoop& loop, std::unique_ptr<BatchSystem> system, NeedsSource& needs, OutputSink* sink,
       ClusterOptions options)
      : loop_(loop),
        system_(std::move(system)),
        needs_(needs),
        sink_(sink),
        options_(std::move(options)),
        spool_(options_.spool),
        writer_(options_, spool_, needs, sink_ != nullptr && sink_->is_one_stream()),
        queue_(needs),
        ask_delay_(options_.ask_first_s),
        look_delay_(options_.look_first_s),
        flush_alarm_(loop, [this] { flush(); }),
        ask_alarm_(loop, [this] { ask(); }) {}
  ~Impl() {
    for (const std::uint64_t timer : {look_timer_, report_timer_, cancel_timer_}) loop_.cancel(timer);
  }

  void adopt(const std::function<bool(const std::string& key)>& is_open);
  void finish(const std::function<bool(const std::string& key)>& is_open);
  void start(plan::Attempt attempt);
  void cancel_all(plan::Stop how);
  void interrupt(plan::JobId job, bool timed_out);
  Answer look(const Question& question);
  bool has_succeeded(const std::string& key) const;
  std::string describe(const std::string& key) const;

  plan::ExitListener* listener = nullptr;
  std::size_t running = 0;
  std::size_t submissions = 0;
  std::size_t in_flight() const;

 private:
  using JobPtr = ClusterQueue::JobPtr;
  using Exit = plan::Exit;

  void adopt(const BatchFolder& folder);
  void begin_monitoring();

  void expect_members(SubmittedBatch& batch);
  void forget(const SubmittedBatch& batch);
  void flush();
  bool is_worth_collecting(const PlannerOptions& planner, const std::vector<WaitingJob>& waiting) const;
  PlannerOptions planner_options() const;
  void submit(const PlannedSubmission& planned);
  void submitted(Result<std::string> name);
  void refused(const Error& error);

  void look_in(double delay_s);
  void look_at_journals();
  bool read(SubmittedBatch& batch);
  void runs_in(SubmittedBatch& batch, const std::string& name);
  void cancel_needless();
  void report_known(SubmittedBatch& batch);
  void ended(SubmittedBatch& batch, SubmittedJob& entry);

  void ask_in(double delay_s);
  void ask();
  void answered(BatchStates states);
  void judge(SubmittedBatch& batch, const BatchStates& states);
  void judge_doubtful(SubmittedBatch& batch);
  void gone(SubmittedBatch& batch);
  void gone(SubmittedBatch& batch, SubmittedJob& entry);

  void report(SubmittedBatch& batch, SubmittedJob& entry);
  void report(JobPtr job, Exit exit);
  void report_later(JobPtr job, Exit exit);
  void report_soon();
  void lose(SubmittedJob& entry, SubmittedBatch& batch, const std::string& why);
  bool withdraw(SubmittedBatch& batch);
  static void collect(const SubmittedBatch& batch, const std::string& text, bool is_file, os::Spill& kept);
  void show(Exit& exit, const SubmittedBatch& batch, const JobOutput& output);
  void give_up_waiting_for_cancelled();
  static bool is_open(const SubmittedBatch& batch);
  static bool is_holding(const SubmittedBatch& batch);
  static bool is_wanted(const SubmittedBatch& batch);
  static bool is_monitored(const SubmittedBatch& batch);
  SubmittedBatch* batch_of(const std::string& key, std::size_t& index) const;

  os::EventLoop& loop_;
  const std::unique_ptr<BatchSystem> system_;
  NeedsSource& needs_;
  OutputSink* const sink_;
  const ClusterOptions options_;
  BatchSpool spool_;
  BatchWriter writer_;
  std::optional<SystemFigures> figures_;
  bool asks_figures_ = false;

  ClusterQueue queue_;
  std::optional<WrittenBatches> submitting_;  // the submit command has not answered yet
  double next_submission_ = 0;
  std::vector<std::unique_ptr<SubmittedBatch>> batches_;  // all of this run, including those that have ended
  // by key: jobs in a batch that the farm has not started in this run, as batch and index of the entry
  std::unordered_map<std::string, std::pair<SubmittedBatch*, std::size_t>> adopted_;
  std::vector<std::pair<JobPtr, Exit>> to_report_;
  bool is_cancelling_ = false, is_asking_ = false;
  std::size_t cancels_in_flight_ = 0;
  std::vector<std::string> needless_{};  // jobs of the batch system whose batches another job runs
  double ask_delay_, look_delay_;
  os::Alarm flush_alarm_, ask_alarm_;
  std::uint64_t look_timer_ = 0, report_timer_ = 0, cancel_timer_ = 0;
};

}  // namespace furrow::exec

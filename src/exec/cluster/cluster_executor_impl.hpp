// The inside of ClusterExecutor, in two files: cluster_executor.cpp starts and cancels, cluster_following.cpp
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
#include "exec/cluster/cluster_flight.hpp"
#include "exec/cluster/cluster_queue.hpp"
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
        shelf_(options_.shelf),
        writer_(options_, shelf_, needs, sink_ != nullptr && sink_->is_one_stream()),
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
  using Job = ClusterQueue::Job;
  using Exit = plan::Exit;

  void adopt(const BatchFolder& folder);
  void begin_following();

  void expect_mates(Flight& flight);
  void forget(const Flight& flight);
  void flush();
  bool is_worth_collecting(const PlannerOptions& planner, const std::vector<WaitingJob>& waiting) const;
  PlannerOptions planner_options() const;
  void submit(const PlannedSubmission& planned);
  void submitted(Result<std::string> name);
  void refused(const Error& error);

  void look_in(double delay_s);
  void look_at_journals();
  bool read(Flight& flight);
  void runs_in(Flight& flight, const std::string& name);
  void cancel_needless();
  void report_known(Flight& flight);
  void ended(Flight& flight, FlightEntry& entry);

  void ask_in(double delay_s);
  void ask();
  void answered(BatchStates states);
  void judge(Flight& flight, const BatchStates& states);
  void judge_doubtful(Flight& flight);
  void gone(Flight& flight);
  void gone(Flight& flight, FlightEntry& entry);

  void report(Flight& flight, FlightEntry& entry);
  void report(Job job, Exit exit);
  void report_later(Job job, Exit exit);
  void report_soon();
  void lose(FlightEntry& entry, Flight& flight, const std::string& why);
  bool withdraw(Flight& flight);
  static void collect(const Flight& flight, const std::string& text, bool is_file, os::Spill& kept);
  void show(Exit& exit, const Flight& flight, const JobOutput& output);
  void give_up_waiting_for_cancelled();
  static bool is_open(const Flight& flight);
  static bool is_holding(const Flight& flight);
  static bool is_wanted(const Flight& flight);
  static bool is_followed(const Flight& flight);
  Flight* flight_of(const std::string& key, std::size_t& place) const;

  os::EventLoop& loop_;
  const std::unique_ptr<BatchSystem> system_;
  NeedsSource& needs_;
  OutputSink* const sink_;
  const ClusterOptions options_;
  BatchShelf shelf_;
  BatchWriter writer_;
  std::optional<SystemFigures> figures_;
  bool asks_figures_ = false;

  ClusterQueue queue_;
  std::optional<WrittenBatches> submitting_;  // the batch system was told, and has not answered
  double next_submission_ = 0;
  std::vector<std::unique_ptr<Flight>> flights_;  // all of this run, the ended ones too
  std::unordered_map<std::string, std::pair<Flight*, std::size_t>> adopted_;  // by key; nobody's yet
  std::vector<std::pair<Job, Exit>> to_report_;
  bool is_cancelling_ = false, is_asking_ = false;
  std::size_t cancels_under_way_ = 0;
  std::vector<std::string> needless_{};  // jobs of the batch system whose batches run elsewhere
  double ask_delay_, look_delay_;
  os::Alarm flush_alarm_, ask_alarm_;
  std::uint64_t look_timer_ = 0, report_timer_ = 0, cancel_timer_ = 0;
};

}  // namespace furrow::exec

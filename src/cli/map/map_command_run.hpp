// Runs a planned `furrow map`; owns everything that lives only while its jobs run.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/job_trace.hpp"
#include "cli/map/map_command_options.hpp"
#include "cli/map/map_plan.hpp"
#include "cli/map/map_progress.hpp"
#include "cli/map/map_timeouts.hpp"
#include "cli/map/start_throttle.hpp"
#include "command/halt.hpp"
#include "command/job_producer.hpp"
#include "command/log/joblog.hpp"
#include "command/map_source.hpp"
#include "command/output/collator.hpp"
#include "command/pipe_producer.hpp"
#include "exec/output/stream_writer.hpp"
#include "exec/ranks/mpi_executor.hpp"
#include "farm/farm.hpp"
#include "os/files/descriptor.hpp"
#include "os/process/job_cookie.hpp"
#include "os/process/watchdog.hpp"
#include "plan/event.hpp"
#include "store/store.hpp"

namespace furrow::cli {

class MapCommandRun final : public plan::EventSink {
 public:
  // RANKS as in map_command(); borrowed.
  MapCommandRun(MapCommandOptions options, RankSession* ranks);
  int run();

  void on_event(const plan::Event& event) override;

 private:
  Result<void> prepare();
  Result<void> open_log();
  Result<void> open_results();
  Result<void> open_producer();
  Result<void> open_store();
  Result<void> start_watchdog();
  Result<void> take_failed_jobs();
  bool goes_on() const { return options_.resume || options_.resume_failed || options_.retry_failed; }
  std::size_t look_ahead() const;
  farm::Summary run_jobs();
  std::unique_ptr<plan::Executor> executor_on_ranks(os::EventLoop& loop, plan::Executor& local,
                                                    exec::OutputSink& sink) const;
  command::MapSettings settings();
  Result<void> check_command(const std::string& command);
  command::CollatorOptions collator_options();
  int conclude(const farm::Summary& summary);
  void say_nothing_came();

  void job_ended(const plan::Event& event);
  void apply_halt(command::HaltRule::When when);
  void report_outcome(const plan::Event& event, bool ok);
  void output_closed();
  void say(const std::string& text);

  MapCommandOptions options_;
  RankSession* const ranks_;
  const std::string folder_;  // for long output
  exec::StreamWriter out_, err_;
  std::optional<command::ResultsFiles> files_;
  std::optional<command::ResultsTable> table_;
  std::optional<os::Descriptor> table_file_;
  std::unique_ptr<os::Descriptor> stream_;  // the stream of blocks
  std::unique_ptr<command::Joblog> log_;
  MapPlan plan_;
  std::unique_ptr<command::JobProducer> producer_;
  std::unique_ptr<store::Store> store_;
  std::optional<command::JobOutputs> outputs_;
  const std::string run_id_ = os::new_run_id();  // in the cookies of its jobs
  std::unique_ptr<os::Watchdog> watchdog_;
  std::optional<command::HaltPolicy> halt_;
  std::vector<std::string> names_;  // of the values' columns

  // Set while jobs run.
  farm::Farm* farm_ = nullptr;
  command::MapSource* source_ = nullptr;
  std::unique_ptr<MapProgress> progress_;
  std::unique_ptr<JobTrace> trace_;  // null: none
  std::unique_ptr<StartThrottle> throttle_;
  std::unique_ptr<MapTimeouts> timeouts_;
  bool is_closed_ = false, has_lost_ = false;
  // Whether the shell takes `&>` for `&`; not set: no command had one so far.
  std::optional<bool> loses_output_;
  command::MapCounts counts_;
  std::optional<Error> input_error_;
  std::string last_words_;
};

}  // namespace furrow::cli

// The jobs of a `furrow map`, as a source for the farm: pulled from the input during the run, rendered when
// they start, and dropped when they have ended.
//
// States of a job here: waiting (only its values) -> running (slot, command) -> gone. Its line in the log
// waits until its output has been delivered: a job counts as done only if nothing of it can be lost. Not
// thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "command/job_producer.hpp"
#include "command/log/joblog.hpp"
#include "command/log/results_table.hpp"
#include "command/output/collator.hpp"
#include "command/output/job_outputs.hpp"
#include "command/output/path_claims.hpp"
#include "command/output/results_files.hpp"
#include "command/slots.hpp"
#include "command/template/template.hpp"
#include "os/events/event_loop.hpp"
#include "plan/id_table.hpp"
#include "plan/job_source.hpp"
#include "plan/resources.hpp"

namespace furrow::command {

struct MapSettings {
  // Borrowed; null if absent.
  const CommandTemplate* command = nullptr;
  const CommandTemplate* tag = nullptr;
  const CommandTemplate* directory = nullptr;
  const CommandTemplate* retries = nullptr;
  const ResultsFiles* files = nullptr;  // where to write the jobs' output
  ResultsTable* table = nullptr;        // a table for the jobs' output
  JobOutputs* outputs = nullptr;        // the files that the jobs make
  unsigned slots = 1;
  std::uint64_t total = 0;
  std::uint64_t seed = 0;
  std::string shell{};
  // Refuses a command before it starts.
  std::function<Result<void>(const std::string& command)> check_command{};
  std::string slot_variable{};
  std::optional<int> nice{};
  bool watch_memory = false;    // measure it for the log
  bool print_commands = false;  // before the job's output
  bool to_terminal = false;     // commands and tags are shown on one
  bool uncaptured = false;      // jobs write directly to the engine's standard output and error
  enum class Resume : std::uint8_t { kNo, kUnfinished, kFailed } resume = Resume::kNo;
};

// What happened to the input, in addition to what the farm counts.
struct MapCounts {
  // Jobs read from the input.
  std::uint64_t read = 0;
  // Jobs done before, according to the log.
  std::uint64_t skipped = 0;
  // Jobs whose outputs are up to date.
  std::uint64_t fresh = 0;
  // Whether the input has ended.
  bool is_all = false;
};

class MapSource final : public plan::JobSource {
 public:
  // Borrows everything; LOG may be null.
  MapSource(MapSettings settings, JobProducer& producer, Collator& collator, Joblog* log,
            plan::JobGraph& graph, plan::Resources& resources, os::EventLoop& loop);
  ~MapSource() override;

  // CALLBACK is called for each command that starts, if the user wants to see them.
  void on_start(std::function<void(const MapJob&)> callback) { on_start_ = std::move(callback); }

  const MapCounts& counts() const { return counts_; }
  const std::optional<Error>& error() const { return error_; }  // the error that ended the input
  const MapJob& job(plan::JobId id) const { return *jobs_[id]; }

  bool add_jobs(std::size_t count) override;
  std::vector<Result<plan::DemandId>> demands(std::span<const plan::JobId> jobs, int attempt) override;
  Result<void> before_start(plan::JobId job, int attempt, plan::Launch& launch) override;
  Result<void> on_success(const plan::Exit& exit) override;
  void on_failure(const plan::Exit& exit, bool will_retry) override;
  Result<void> commit() override;
  plan::JobName name(plan::JobId job) const override;

  // The run is over: prints what still waits, and records it.
  Result<void> finish();

 private:
  // A line of the log that waits until the job's output has come out.
  struct Unlogged {
    LogEntry entry;
    std::string command;
  };
  Result<Pull> pull(MapJob& job);
  bool is_done_already(const MapJob& job);
  void claim_paths(MapJob& job, bool starts);
  Result<bool> is_fresh(const MapJob& job);
  Result<void> log_delivered();
  RenderContext context(const MapJob& job) const;
  Result<void> enter_directory(const MapJob& job, plan::Launch& launch);
  void set_environment(const MapJob& job, plan::Launch& launch);
  std::uint16_t retries_of(const MapJob& job) const;
  void note(const MapJob& job, const plan::Exit& exit);
  void ended(plan::JobId id);
  void give_back_slot(MapJob& job);
  void wait_for_input();

  const MapSettings settings_;
  JobProducer& producer_;
  Collator& collator_;
  Joblog* const log_;
  plan::JobGraph& graph_;
  os::EventLoop& loop_;
  const plan::DemandId demand_;
  const std::string pid_;
  const plan::Launch::Stream own_output_, own_errors_;
  std::function<void(const MapJob&)> on_start_;
  plan::IdTable<std::unique_ptr<MapJob>> jobs_;
  // Kept so that their memory is used again.
  std::vector<std::unique_ptr<MapJob>> spares_;
  // Ended in this round; dropped at the commit, once all listeners have been called.
  std::vector<plan::JobId> ended_;
  Slots free_slots_;
  std::set<std::string> made_directories_;
  PathClaims claims_;
  std::unordered_map<plan::JobId, Unlogged> unlogged_;
  MapCounts counts_;
  std::optional<Error> error_;
  int watched_ = -1;  // the input's descriptor, while it has no data
};

}  // namespace furrow::command

// The jobs of a `furrow map` as the farm sees them: pulled from the input while they run, rendered when they
// start, forgotten when they have ended.
//
// States of a job here: waiting (its values alone) -> running (slot, command) -> gone. Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "command/job_feed.hpp"
#include "command/log/joblog.hpp"
#include "command/log/results_table.hpp"
#include "command/output/collator.hpp"
#include "command/output/job_outputs.hpp"
#include "command/output/results_files.hpp"
#include "command/slots.hpp"
#include "command/template/template.hpp"
#include "os/events/event_loop.hpp"
#include "plan/id_table.hpp"
#include "plan/job_source.hpp"
#include "plan/resources.hpp"

namespace furrow::command {

struct MapSettings {
  // Borrowed; null where there is none.
  const CommandTemplate* command = nullptr;
  const CommandTemplate* tag = nullptr;
  const CommandTemplate* directory = nullptr;
  const CommandTemplate* retries = nullptr;
  const ResultsFiles* files = nullptr;  // where the jobs' output goes
  ResultsTable* table = nullptr;        // what its output becomes
  JobOutputs* outputs = nullptr;        // what they make
  unsigned slots = 1;
  std::uint64_t total = 0;
  std::uint64_t seed = 0;
  std::string shell{};
  std::string slot_variable{};
  std::optional<int> nice{};
  bool watch_memory = false;    // the log has it
  bool print_commands = false;  // before the job's output
  bool uncaptured = false;      // jobs write to the engine's own standard output and error
  enum class Resume : std::uint8_t { kNo, kUnfinished, kFailed } resume = Resume::kNo;
};

// What became of the input, beside what the farm counts.
struct MapCounts {
  std::uint64_t read = 0;     // jobs that the input gave
  std::uint64_t skipped = 0;  // done before, by the log
  std::uint64_t fresh = 0;    // what they make is up to date
  bool is_all = false;        // the input has ended
};

class MapSource final : public plan::JobSource {
 public:
  // All borrowed; without a log null.
  MapSource(MapSettings settings, JobFeed& feed, Collator& collator, Joblog* log, plan::JobGraph& graph,
            plan::Resources& resources, os::EventLoop& loop);
  ~MapSource() override;

  // Told of each command that starts, where the user wants to see them.
  void on_start(std::function<void(const MapJob&)> callback) { on_start_ = std::move(callback); }

  const MapCounts& counts() const { return counts_; }
  const std::optional<Error>& error() const { return error_; }  // that ended the input
  const MapJob& job(plan::JobId id) const { return *jobs_[id]; }
  std::string command_of(plan::JobId id) const;  // for people

  void set_prepare_listener(plan::PrepareListener* listener) override { listener_ = listener; }
  bool add_jobs(std::size_t count) override;
  void prepare(std::span<const plan::JobId> jobs, int attempt) override;
  std::vector<Result<plan::DemandId>> demands(std::span<const plan::JobId> jobs, int attempt) override;
  Result<void> starting(plan::JobId job, int attempt, plan::Launch& launch) override;
  Result<void> finished(const plan::Exit& exit) override;
  void failed(const plan::Exit& exit, bool will_retry) override;
  Result<void> commit() override;
  plan::JobName name(plan::JobId job) const override;

 private:
  Result<Pull> pull(MapJob& job);
  bool is_done_already(const MapJob& job);
  Result<bool> is_fresh(MapJob& job);
  RenderContext context(const MapJob& job) const;
  Result<void> enter_directory(const MapJob& job, plan::Launch& launch);
  void set_environment(const MapJob& job, plan::Launch& launch);
  std::uint16_t retries_of(const MapJob& job) const;
  void note(const MapJob& job, const plan::Exit& exit);
  void ended(plan::JobId id);
  void give_back_slot(MapJob& job);
  void wait_for_input();

  const MapSettings settings_;
  JobFeed& feed_;
  Collator& collator_;
  Joblog* const log_;
  plan::JobGraph& graph_;
  os::EventLoop& loop_;
  const plan::DemandId demand_;
  const std::string pid_;
  const plan::Launch::Stream own_output_, own_errors_;
  plan::PrepareListener* listener_ = nullptr;
  std::function<void(const MapJob&)> on_start_;
  plan::IdTable<std::unique_ptr<MapJob>> jobs_;
  std::vector<std::unique_ptr<MapJob>> spares_;  // their memory is used again
  std::vector<plan::JobId> ended_;               // in this round; still known to those who are told of it
  Slots free_slots_;
  std::set<std::string> made_directories_;
  MapCounts counts_;
  std::optional<Error> error_;
  int watched_ = -1;  // the input, while it has nothing yet
};

}  // namespace furrow::command

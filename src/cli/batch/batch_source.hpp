// The jobs of a batch on the node, as a source for the farm: it runs what the batch file says and writes to
// the journal as it happens.
//
// That a job has succeeded is written once its outputs are on the disk, which another host cannot see to. So one sync
// serves all jobs that have ended since the last one, syncs take a twentieth of the time, and the lines of a batch wait for
// them in their order. Not thread-safe.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "exec/batch/batch_journal.hpp"
#include "exec/batch/batch_spec.hpp"
#include "exec/output/output_sink.hpp"
#include "os/events/alarm.hpp"
#include "os/files/file_systems.hpp"
#include "plan/event.hpp"
#include "plan/job_source.hpp"

namespace furrow::cli {

class BatchSource final : public plan::JobSource, public exec::OutputSink {
 public:
  // Borrows everything. FOLDER holds the journal. CORES and MEMORY_MB are what is available; no job gets
  // more.
  BatchSource(exec::BatchSpec& batch, std::string folder, exec::JournalWriter& journal,
              plan::Resources& resources, os::EventLoop& loop, std::int64_t cores, std::int64_t memory_mb);

  // Stands where a launch leaves the folder for temporary files open.
  void set_node_folder(std::string folder) { node_folder_ = std::move(folder); }
  void plan(plan::JobGraph& graph);
  // Records as ended those jobs that never started because a job before them failed.
  void end_skipped(const plan::JobGraph& graph);
  bool all_ok() const { return all_ok_; }
  // Writes all lines, once the outputs are on the disk.
  Result<void> finish();

  std::vector<Result<plan::DemandId>> demands(std::span<const plan::JobId> jobs, int attempt) override;
  Result<void> before_start(plan::JobId job, int attempt, plan::Launch& launch) override;
  Result<void> clear_outputs(plan::JobId job) override;
  bool is_up(plan::JobId service) override;
  Result<void> check_outputs(const plan::Exit& exit) override;
  Result<void> on_success(const plan::Exit& exit) override;
  void on_failure(const plan::Exit& exit, bool will_retry) override;
  Result<void> commit() override;
  plan::JobName name(plan::JobId job) const override { return {batch_.jobs[job].name, ""}; }

  // The output of jobs goes to the engine through the journal, and to the batch's log.
  void show(const exec::CapturedOutput& output) override;
  bool is_one_stream() const override { return batch_.one_stream; }

 private:
  void bind_gangs(plan::JobGraph& graph) const;
  void remove_passing(plan::JobId job) const;
  void end(const plan::Exit& exit);
  Result<void> sync_and_write();
  Result<void> write_lines();
  Result<void> see_to_files(const plan::BatchFiles& files) const;
  std::string keep(const exec::CapturedStream& stream, const char* kind, plan::JobId job,
                   bool& in_file) const;

  exec::BatchSpec& batch_;
  const std::string folder_;
  exec::StandardOutputSink log_;
  std::unordered_map<plan::JobId, exec::JobOutput> printed_;
  exec::JournalWriter& journal_;
  plan::Resources& resources_;
  std::int64_t cores_, memory_mb_;
  std::string node_folder_;  // empty: launches stay as they are
  bool all_ok_ = true;
  os::FileSystems file_systems_;
  // Whether lines say that a job has succeeded whose outputs may not be on the disk.
  bool has_unsynced_ = false;
  double next_sync_ = 0;
  os::Alarm sync_alarm_;
  // For each temporary file, how many jobs that need it have not succeeded yet.
  std::unordered_map<std::string, std::size_t> users_;
  // Temporary files that are no longer needed since the last commit.
  std::vector<std::string> used_up_;
};

}  // namespace furrow::cli

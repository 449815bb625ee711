// The jobs of a batch as the farm sees them on the node: what the batch file says, told to the journal as it
// happens. Not thread-safe.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "exec/batch/batch_file.hpp"
#include "exec/batch/batch_journal.hpp"
#include "exec/output/output_sink.hpp"
#include "plan/event.hpp"
#include "plan/job_source.hpp"

namespace furrow::cli {

class BatchSource final : public plan::JobSource, public exec::OutputSink {
 public:
  // Borrows all. FOLDER: where the journal lies. CORES, MEMORY_MB: what there is; no job asks for more.
  BatchSource(exec::Batch& batch, std::string folder, exec::JournalWriter& journal,
              plan::Resources& resources, std::int64_t cores, std::int64_t memory_mb);

  void plan(plan::JobGraph& graph);
  // Jobs that never started since one before them failed: they have ended, too.
  void end_skipped(const plan::JobGraph& graph);
  bool all_ok() const { return all_ok_; }

  void set_prepare_listener(plan::PrepareListener* listener) override { listener_ = listener; }
  void prepare(std::span<const plan::JobId> jobs, int attempt) override;
  std::vector<Result<plan::DemandId>> demands(std::span<const plan::JobId> jobs, int attempt) override;
  Result<void> starting(plan::JobId job, int attempt, plan::Launch& launch) override;
  Result<void> finished(const plan::Exit& exit) override;
  void failed(const plan::Exit& exit, bool will_retry) override;
  Result<void> commit() override;
  plan::JobName name(plan::JobId job) const override { return {batch_.jobs[job].name, ""}; }

  // What jobs print goes to the engine by the journal, and to the batch's log.
  void show(const exec::CapturedOutput& output) override;
  bool is_one_stream() const override { return batch_.one_stream; }

 private:
  void end(const plan::Exit& exit);
  Result<void> see_to_files(const plan::BatchFiles& files) const;
  std::string keep(const exec::CapturedStream& stream, const char* kind, plan::JobId job,
                   bool& in_file) const;

  exec::Batch& batch_;
  const std::string folder_;
  exec::StandardOutputSink log_;
  std::unordered_map<plan::JobId, exec::JobOutput> printed_;
  exec::JournalWriter& journal_;
  plan::Resources& resources_;
  std::int64_t cores_, memory_mb_;
  plan::PrepareListener* listener_ = nullptr;
  bool all_ok_ = true;
  // of temporary files: jobs that have not succeeded yet
  std::unordered_map<std::string, std::size_t> users_;
  std::vector<std::string> used_up_;  // since the last commit
};

}  // namespace furrow::cli

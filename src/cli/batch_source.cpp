#include "cli/batch_source.hpp"

#include <algorithm>

#include "os/clock.hpp"
#include "os/files.hpp"

namespace furrow::cli {

namespace {

// The folder for temporary files was found on the machine of the engine, and need not be here.
bool is_missing_folder(const std::pair<std::string, std::string>& variable) {
  for (const char* name : {"TMPDIR", "TMP", "TEMPDIR", "TEMP"}) {
    if (variable.first == name) return os::status(variable.second).kind != os::FileStatus::Kind::kDirectory;
  }
  return false;
}

}  // namespace

BatchSource::BatchSource(exec::Batch& batch, exec::JournalWriter& journal, plan::Resources& resources,
                         std::int64_t cores, std::int64_t memory_mb)
    : batch_(batch), journal_(journal), resources_(resources), cores_(cores), memory_mb_(memory_mb) {}

void BatchSource::plan(plan::JobGraph& graph) {
  for (const exec::BatchJob& job : batch_.jobs) {
    const plan::JobId id = graph.add({});
    for (const std::uint32_t before : job.after) graph.depend(id, before);
  }
}

void BatchSource::prepare(std::span<const plan::JobId> jobs, int attempt) {
  for (const plan::JobId job : jobs) {
    plan::Launch& launch = batch_.jobs[job].launch;
    std::erase_if(launch.environment, is_missing_folder);
    if (launch.directory.empty()) launch.directory = batch_.directory;
    launch.scratch.clear();  // the engine's to delete: a later attempt may be made from the same
    listener_->on_prepared(job, attempt, std::move(launch));
  }
}

std::vector<Result<plan::DemandId>> BatchSource::demands(std::span<const plan::JobId> jobs, int) {
  const std::size_t memory = resources_.index("memory_mb");
  std::vector<Result<plan::DemandId>> demands;
  for (const plan::JobId job : jobs) {
    plan::Amounts amounts(memory + 1, 0);
    amounts[plan::kCores] = std::clamp<std::int64_t>(batch_.jobs[job].cores, 1, cores_);
    if (memory_mb_ > 0) amounts[memory] = std::min(batch_.jobs[job].memory_mb, memory_mb_);
    demands.push_back(resources_.demand(std::move(amounts)));
  }
  return demands;
}

Result<void> BatchSource::starting(plan::JobId job, int, plan::Launch&) {
  journal_.start(job);
  return {};
}

Result<void> BatchSource::finished(const plan::Exit& exit) {
  journal_.end(exit.job, exit);
  return {};
}

void BatchSource::failed(const plan::Exit& exit, bool) {
  all_ok_ = false;
  journal_.end(exit.job, exit);
}

void BatchSource::end_skipped(const plan::JobGraph& graph) {
  for (plan::JobId job = 0; job < batch_.jobs.size(); ++job) {
    if (graph.state(job) != plan::JobState::kSkipped) continue;
    journal_.end(job, {.status = -1,
                       .error = "it did not run, since a job of its group that it needs has failed",
                       .started_at = os::wall_seconds()});
  }
}

}  // namespace furrow::cli

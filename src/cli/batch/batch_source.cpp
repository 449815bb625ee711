#include "cli/batch/batch_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <tuple>
#include <utility>

#include "exec/local/node_folder.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "os/files/named_pipe.hpp"
#include "os/files/replacing_file.hpp"
#include "plan/node_folder.hpp"

namespace furrow::cli {

namespace {

constexpr double kPauses = 19;  // how many times as long as a sync the pause after it is

// The folder for temporary files was chosen on the engine's machine and may not exist here.
bool is_missing_folder(const std::pair<std::string, std::string>& variable) {
  for (const char* name : {"TMPDIR", "TMP", "TEMPDIR", "TEMP"}) {
    if (variable.first == name && variable.second != plan::kNodeFolder)
      return os::status(variable.second).kind != os::FileStatus::Kind::kDirectory;
  }
  return false;
}

}  // namespace

BatchSource::BatchSource(exec::BatchSpec& batch, std::string folder, exec::JournalWriter& journal,
                         plan::Resources& resources, os::EventLoop& loop, std::int64_t cores,
                         std::int64_t memory_mb)
    : batch_(batch),
      folder_(std::move(folder)),
      journal_(journal),
      resources_(resources),
      cores_(cores),
      memory_mb_(memory_mb),
      sync_alarm_(loop, [this] { (void)sync_and_write(); }) {  // the next commit reports an error
  file_systems_.add(batch_.directory);
}

void BatchSource::plan(plan::JobGraph& graph) {
  for (const exec::BatchJob& job : batch_.jobs) {
    const plan::JobId id = graph.add({});
    for (const std::uint32_t before : job.after) graph.depend(id, before);
    for (const std::string& file : job.files.temporary) ++users_[file];
  }
  bind_gangs(graph);
}

void BatchSource::bind_gangs(plan::JobGraph& graph) const {
  std::map<std::uint32_t, plan::JobGraph::Gang> gangs;
  for (plan::JobId job = 0; job < batch_.jobs.size(); ++job) {
    if (batch_.jobs[job].gang == 0) continue;
    plan::JobGraph::Gang& gang = gangs[batch_.jobs[job].gang];
    gang.jobs.push_back(job);
    for (const std::uint32_t service : batch_.jobs[job].uses) gang.serves.emplace_back(service, job);
  }
  for (auto& [number, gang] : gangs) graph.bind(std::move(gang));
}

// What a killed runner has left goes, too.
Result<void> BatchSource::clear_outputs(plan::JobId job) {
  for (const std::string& service : batch_.jobs[job].files.services) (void)os::remove_tree(service);
  for (const std::string& pipe : batch_.jobs[job].files.pipes) {
    FURROW_TRY(os::make_named_pipe(pipe));
  }
  return {};
}

bool BatchSource::is_up(plan::JobId service) {
  const auto& files = batch_.jobs[service].files.services;
  return std::all_of(files.begin(), files.end(),
                     [](const std::string& file) { return os::status(file).exists(); });
}

void BatchSource::remove_passing(plan::JobId job) const {
  for (const std::string& service : batch_.jobs[job].files.services) (void)os::remove_tree(service);
  for (const std::string& pipe : batch_.jobs[job].files.pipes) os::remove_named_pipe(pipe);
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

Result<void> BatchSource::before_start(plan::JobId job, int, plan::Launch& launch) {
  launch = std::move(batch_.jobs[job].launch);
  std::erase_if(launch.environment, is_missing_folder);
  if (launch.directory.empty()) launch.directory = batch_.directory;
  if (!node_folder_.empty()) exec::fill_node_folder(launch, node_folder_);
  if (const std::string data = std::exchange(launch.scratch, {}); !data.empty()) {  // the engine deletes it
    FURROW_TRY(exec::fill_node_folder(data, node_folder_.empty() ? exec::node_folder() : node_folder_));
  }
  journal_.start(job);
  return {};
}

// The checks that the engine makes before it starts the next job.
Result<void> BatchSource::see_to_files(const plan::BatchFiles& files) const {
  for (const std::string& file : files.touched) {
    FURROW_TRY(os::touch(file));
  }
  for (const auto& [names, kind, called] : {std::tuple{&files.files, os::FileStatus::Kind::kFile, "file"},
                                            {&files.folders, os::FileStatus::Kind::kDirectory, "folder"}}) {
    for (const std::string& name : *names) {
      const os::FileStatus status = os::status(name);
      const bool is_folder = status.kind == os::FileStatus::Kind::kDirectory;
      if (!status.exists()) return fail(Error{"it ended well but did not make " + name});
      if (is_folder != (kind == os::FileStatus::Kind::kDirectory))
        return fail(Error{name + " is not a " + called + ", although its rule says so"});
    }
  }
  return {};
}

Result<void> BatchSource::check_outputs(const plan::Exit& exit) {
  return see_to_files(batch_.jobs[exit.job].files);
}

Result<void> BatchSource::on_success(const plan::Exit& exit) {
  const plan::BatchFiles& files = batch_.jobs[exit.job].files;
  remove_passing(exit.job);
  for (const std::string& file : files.temporary) {
    if (--users_[file] == 0) used_up_.push_back(file);
  }
  file_systems_.add(os::parent_of(batch_.jobs[exit.job].key));
  has_unsynced_ = true;
  end(exit);
  return {};
}

Result<void> BatchSource::commit() {
  const double wait_s = has_unsynced_ ? next_sync_ - os::monotonic_seconds() : 0;
  if (wait_s <= 0 || !used_up_.empty()) return sync_and_write();  // space is wanted back
  sync_alarm_.set(wait_s);
  return {};
}

Result<void> BatchSource::finish() { return sync_and_write(); }

Result<void> BatchSource::sync_and_write() {
  const double begun = os::monotonic_seconds();
  if (std::exchange(has_unsynced_, false)) {
    file_systems_.sync();
    const double now = os::monotonic_seconds();
    next_sync_ = now + kPauses * (now - begun);
  }
  return write_lines();
}

// A temporary file is removed once the journal says that the jobs that need it have succeeded, and before the next job
// starts.
Result<void> BatchSource::write_lines() {
  FURROW_TRY(journal_.commit());
  for (const std::string& file : std::exchange(used_up_, {})) (void)os::remove_tree(file);
  return {};
}

void BatchSource::on_failure(const plan::Exit& exit, bool) {
  all_ok_ = false;
  remove_passing(exit.job);
  end(exit);
}

void BatchSource::end(const plan::Exit& exit) {
  const auto printed = printed_.extract(exit.job);
  journal_.end(exit.job, exit, printed ? printed.mapped() : exec::JobOutput{});
}

// The captured text, or the name of a file that holds it.
std::string BatchSource::keep(const exec::CapturedStream& stream, const char* kind, plan::JobId job,
                              bool& in_file) const {
  std::string text;
  std::unique_ptr<os::ReplacingFile> file;
  const std::string name = fmt::format("{}.{}.{}", kind, batch_.index, job);
  if (stream.size() > static_cast<std::int64_t>(plan::kKeptOutput)) {
    if (auto made = os::ReplacingFile::create(folder_ + "/" + name)) file = std::move(*made);
  }
  const bool is_whole = os::for_each_fragment(stream, [&](std::string_view fragment) {
    if (file) return file->write(fragment).has_value();
    text += fragment;
    return true;
  });
  if (!file) return text;
  in_file = is_whole && file->finish();
  return in_file ? name : "[output is missing here: it could not be written]\n";
}

void BatchSource::show(const exec::CapturedOutput& output) {
  log_.show(output);
  exec::JobOutput& printed = printed_[output.job];
  printed.out = keep(output.out, "out", output.job, printed.out_in_file);
  printed.err = keep(output.err, "err", output.job, printed.err_in_file);
}

void BatchSource::end_skipped(const plan::JobGraph& graph) {
  for (plan::JobId job = 0; job < batch_.jobs.size(); ++job) {
    if (graph.state(job) != plan::JobState::kSkipped) continue;
    journal_.end(job, {.status = -1,
                       .error = "it did not run, because a job of its group that it needs has failed",
                       .started_at = os::wall_seconds()});
  }
}

}  // namespace furrow::cli

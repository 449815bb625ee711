#include "cli/batch/batch_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "os/files/replacing_file.hpp"

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

BatchSource::BatchSource(exec::Batch& batch, std::string folder, exec::JournalWriter& journal,
                         plan::Resources& resources, std::int64_t cores, std::int64_t memory_mb)
    : batch_(batch),
      folder_(std::move(folder)),
      journal_(journal),
      resources_(resources),
      cores_(cores),
      memory_mb_(memory_mb) {}

void BatchSource::plan(plan::JobGraph& graph) {
  for (const exec::BatchJob& job : batch_.jobs) {
    const plan::JobId id = graph.add({});
    for (const std::uint32_t before : job.after) graph.depend(id, before);
    for (const std::string& file : job.files.temporary) ++users_[file];
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

// What the engine would look at before it starts the next.
Result<void> BatchSource::see_to_files(const plan::BatchFiles& files) const {
  for (const std::string& file : files.touched) {
    if (auto touched = os::touch(file); !touched) return touched;
  }
  for (const auto& [names, kind, called] : {std::tuple{&files.files, os::FileStatus::Kind::kFile, "file"},
                                            {&files.folders, os::FileStatus::Kind::kDirectory, "folder"}}) {
    for (const std::string& name : *names) {
      const os::FileStatus status = os::status(name);
      const bool is_folder = status.kind == os::FileStatus::Kind::kDirectory;
      if (!status.exists()) return fail(Error{"it ended well but did not make " + name});
      if (is_folder != (kind == os::FileStatus::Kind::kDirectory))
        return fail(Error{name + " is no " + called + ", as its rule says it is"});
    }
  }
  return {};
}

Result<void> BatchSource::finished(const plan::Exit& exit) {
  const plan::BatchFiles& files = batch_.jobs[exit.job].files;
  if (auto seen = see_to_files(files); !seen) return seen;
  for (const std::string& file : files.temporary) {
    if (--users_[file] == 0) used_up_.push_back(file);
  }
  end(exit);
  return {};
}

// A temporary file goes when it is written down that those that need it have succeeded, and before the next
// starts.
Result<void> BatchSource::commit() {
  if (auto written = journal_.commit(); !written) return written;
  for (const std::string& file : std::exchange(used_up_, {})) (void)os::remove_tree(file);
  return {};
}

void BatchSource::failed(const plan::Exit& exit, bool) {
  all_ok_ = false;
  end(exit);
}

void BatchSource::end(const plan::Exit& exit) {
  const auto printed = printed_.extract(exit.job);
  journal_.end(exit.job, exit, printed ? printed.mapped() : exec::JobOutput{});
}

// The text of what was printed, or the name of a file that holds it.
std::string BatchSource::keep(const exec::CapturedStream& stream, const char* kind, plan::JobId job,
                              bool& in_file) const {
  std::string text;
  std::unique_ptr<os::ReplacingFile> file;
  const std::string name = fmt::format("{}.{}.{}", kind, batch_.index, job);
  if (stream.size() > static_cast<std::int64_t>(plan::kKeptOutput)) {
    if (auto made = os::ReplacingFile::create(folder_ + "/" + name)) file = std::move(*made);
  }
  const bool is_whole = os::for_each_piece(stream, [&](std::string_view piece) {
    if (file) return file->write(piece).has_value();
    text += piece;
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
                       .error = "it did not run, since a job of its group that it needs has failed",
                       .started_at = os::wall_seconds()});
  }
}

}  // namespace furrow::cli

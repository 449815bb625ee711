#include "exec/cluster/batch_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/strings.hpp"
#include "os/files/files.hpp"
#include "os/files/replacing_file.hpp"

namespace furrow::exec {

namespace {

// PROPERTIES are JSON for a comment, or a user-supplied script in which kExecJob stands for COMMAND. FIRST is a
// command to run before it; if it fails, so does the batch.
std::string script_text(const std::string& shell, const std::string& properties, const std::string& first,
                        const std::string& command) {
  constexpr std::string_view kExecJob = "{exec_job}";
  if (!properties.starts_with("#!"))
    return "#!" + shell + "\n" + (properties.empty() ? "" : "# properties = " + properties + "\n") +
           (first.empty() ? "" : first + " || exit $?\n") + command;
  std::string text = properties;
  // A job may be followed by lines of the script, so it does not replace the shell.
  std::string plain = command.substr(std::string_view("exec ").size());
  plain.pop_back();
  if (!first.empty()) plain = first + " && " + plain;
  for (std::size_t at = text.find(kExecJob); at != std::string::npos;
       at = text.find(kExecJob, at + plain.size()))
    text.replace(at, kExecJob.size(), plain);
  return text.ends_with('\n') ? text : text + "\n";
}

}  // namespace

Result<Submission> BatchWriter::write(const PlannedSubmission& planned, std::vector<std::vector<JobPtr>> jobs,
                                      WrittenBatches& written) {
  Submission submission = submission_of(planned, *jobs.front().front());
  Result<NeedsSource::Words> words;
  if (options_.one_each) words = words_for(*jobs.front().front());
  Result<void> done;
  if (!words) done = fail(words.error());
  auto folder = spool_.add();
  if (!folder && done) done = fail(folder.error());
  if (folder) written.folder = *folder;
  for (std::uint32_t index = 0; index < jobs.size(); ++index) {
    auto& batch = written.batches.emplace_back(std::make_unique<SubmittedBatch>(written.folder, index));
    const BatchSpec spec = fill(*batch, planned, std::move(jobs[index]));
    const std::string path = written.folder.spec(index);
    if (done) done = write_batch_spec(path, spec);
    batch->written_ns = os::status(path).mtime_ns;
  }
  if (!done) return fail(done.error());
  submission.folder = written.folder.path();
  submission.script = written.folder.script();
  submission.log = written.folder.log();
  submission.command = std::move(words->command);
  if (done = write_script(submission, words->properties); !done) return fail(done.error());
  return submission;
}

Submission BatchWriter::submission_of(const PlannedSubmission& planned, const ClusterJob& first) const {
  Submission submission;
  submission.batches = planned.batches.size();
  submission.allocation = planned.allocation;
  submission.has_ranks = planned.is_packed && planned.allocation.nodes > 1;
  submission.directory = options_.directory;
  submission.name = "furrow-" + (planned.is_packed ? std::string("batch")
                                 : first.group     ? first.group->name
                                                   : first.needs.kind);
  return submission;
}

Result<NeedsSource::Words> BatchWriter::words_for(const ClusterJob& job) {
  const plan::Attempt* const attempt = &job.attempt;
  return std::move(needs_.words({&attempt, 1}).front());
}

// Adds the jobs to the spec and to the batch, in the same order.
BatchSpec BatchWriter::fill(SubmittedBatch& batch, const PlannedSubmission& planned,
                            std::vector<JobPtr> jobs) const {
  BatchSpec spec;
  spec.id = batch.folder.id();
  spec.index = batch.index;
  spec.directory = options_.directory;
  spec.one_stream = one_stream_;
  spec.cores = planned.is_packed ? planned.allocation.cores : 0;
  spec.memory_mb = planned.memory_for_jobs_mb();
  const bool may_share = planned.is_packed && planned.batches.size() > 1 && planned.allocation.nodes <= 1;
  if (may_share) spec.time_s = 60.0 * static_cast<double>(planned.allocation.runtime_min);
  for (JobPtr& job : jobs) {
    spec.timeout_s = job->attempt.timeout_s;
    const double own_s = 60.0 * static_cast<double>(job->needs.allocation.runtime_min);
    if (may_share) spec.longest_s = std::max(spec.longest_s, own_s);
    if (job->group) {
      add_group(batch, spec, std::move(job));
      continue;
    }
    add_job(batch, spec, job->attempt, job->needs, planned.is_packed ? &job->needs.allocation : nullptr);
    batch.entries.back().job = std::move(job);
  }
  return spec;
}

// `share` is the job's share of the batch's cores and memory; null: it has them all.
void BatchWriter::add_job(SubmittedBatch& batch, BatchSpec& spec, const plan::Attempt& attempt,
                          const ClusterNeeds& needs, const Allocation* share) const {
  if (attempt.launch.kind == plan::Launch::Kind::kFork && options_.evaluator)
    spec.evaluator = options_.evaluator();
  batch.entries.push_back({.key = needs.key, .name = needs.name, .identity = needs.identity, .job = nullptr});
  spec.jobs.push_back({.key = needs.key,
                       .name = needs.name,
                       .identity = needs.identity,
                       .attempt = attempt.number,
                       .cores = share ? std::max<std::int64_t>(1, share->cores) : 0,
                       .memory_mb = share ? share->memory_mb : 0,
                       .launch = attempt.launch});
}

// Adds a leader and the other members of its group, including those that the farm has not started yet.
void BatchWriter::add_group(SubmittedBatch& batch, BatchSpec& spec, JobPtr leader) const {
  GroupNeeds group = std::move(*std::exchange(leader->group, std::nullopt));
  auto started = std::exchange(leader->members, {});
  spec.group = group.name;
  // If they cannot share the allocation, they run one after the other.
  spec.cores = system_.is_divisible(leader->needs.allocation) ? leader->needs.allocation.cores : 1;
  spec.memory_mb = leader->needs.allocation.memory_mb;
  batch.is_group = true;
  leader->needs.allocation = *std::exchange(leader->own, std::nullopt);
  add_job(batch, spec, leader->attempt, leader->needs, &leader->needs.allocation);
  spec.jobs.back().files = std::move(group.files);
  spec.jobs.back().gang = group.gang;
  batch.entries.back().is_in_gang = group.gang != 0;
  batch.entries.back().job = std::move(leader);
  for (std::size_t i = 0; i < group.members.size(); ++i) {
    GroupNeeds::Member& member = group.members[i];
    add_job(batch, spec, member.attempt, member.needs, &member.needs.allocation);
    spec.jobs.back().after = batch.entries.back().after = std::move(member.after);
    spec.jobs.back().files = std::move(member.files);
    spec.jobs.back().gang = member.gang;
    spec.jobs.back().uses = std::move(member.uses);
    batch.entries.back().is_in_gang = member.gang != 0;
    batch.entries.back().job = std::move(started[i]);
  }
}

Result<void> BatchWriter::write_script(const Submission& submission, const std::string& properties) const {
  const Allocation& asked = submission.allocation;
  // One rank on each node; if one dies, srun ends all.
  const std::string start = submission.has_ranks
                                ? fmt::format(
                                      "srun --mpi=pmix --kill-on-bad-exit=1 --input=none --ntasks={} "
                                      "--ntasks-per-node=1 --cpus-per-task={} ",
                                      asked.tasks, std::max<std::int64_t>(1, asked.cores))
                                : std::string();
  const std::string command =
      fmt::format("exec {}{} batch {} {}\n", start, shell_quote(options_.program),
                  shell_quote(submission.folder), submission.batches > 1 ? "\"$SLURM_ARRAY_TASK_ID\"" : "0");
  const std::string text = script_text(system_.shell(), properties, options_.precommand, command);
  // Like the batches, it is for its owner alone: the comment may hold anything.
  constexpr unsigned kOwnerOnly = 0700;
  auto script = FURROW_TRY(os::ReplacingFile::create(submission.script, kOwnerOnly));
  FURROW_TRY(script->write(text));
  return script->finish();
}

}  // namespace furrow::exec

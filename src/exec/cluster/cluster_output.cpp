#include "exec/cluster/cluster_output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "exec/output/printed.hpp"
#include "os/files/descriptor.hpp"

namespace furrow::exec {

namespace {

// Appends what was printed to a stream to `kept`.
void collect(const SubmittedBatch& batch, const std::string& text, bool is_file, os::Spill& kept) {
  if (!is_file) return kept.append(text);
  const os::Descriptor file(::open((batch.folder.path() + "/" + text).c_str(), O_RDONLY | O_CLOEXEC));
  std::vector<char> buffer(1 << 16);
  for (;;) {
    const ssize_t n = file.get() < 0 ? 0 : ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    kept.append({buffer.data(), static_cast<std::size_t>(n)});
  }
}

}  // namespace

void ClusterOutput::show(plan::Exit& exit, const SubmittedBatch& batch, const JobOutput& output) const {
  os::Spill out(scratch_), err(scratch_);
  collect(batch, output.out, output.out_in_file, out);
  collect(batch, output.err, output.err_in_file, err);
  exit.output = end_of(out, err);
  show(exit.job, exit.attempt, out, err);
}

void ClusterOutput::say_it_is_repeated(const ClusterJob& job, const SubmittedBatch& batch,
                                       const char* system) const {
  const std::string reason = reason_of(batch);
  say(job, fmt::format("furrow: {} has ended while a job ran{}; the job is submitted again\n",
                       describe(batch, system), reason.empty() ? "" : ": " + reason));
}

void ClusterOutput::say_node_is_left_out(const ClusterJob& job, const SubmittedBatch& batch,
                                         const char* system, const std::string& node) const {
  say(job, fmt::format("furrow: {} ended before its first job began; no further job is sent to {}{}\n",
                       describe(batch, system), node, log_tail(batch)));
}

void ClusterOutput::say(const ClusterJob& job, const std::string& text) const {
  os::Spill out(scratch_), err(scratch_);
  err.append(text);
  show(job.attempt.job, job.attempt.number, out, err);
}

void ClusterOutput::show(plan::JobId job, int attempt, os::Spill& out, os::Spill& err) const {
  if (sink_ == nullptr || (out.empty() && err.empty())) return;
  sink_->show({.job = job,
               .attempt = attempt,
               .out = out.view(),
               .err = err.view(),
               .out_held = &out,
               .err_held = &err});
}

}  // namespace furrow::exec

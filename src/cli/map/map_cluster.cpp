#include "cli/map/map_cluster.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

#include "base/strings.hpp"
#include "cli/run/cluster_run.hpp"
#include "os/cores/cores.hpp"
#include "os/files/files.hpp"

namespace furrow::cli {

namespace {

constexpr unsigned kQueued = 100;  // Slurm jobs at a time, without -j

bool is_table(const std::string& results) {
  command::ResultsTable::Format format;
  return command::ResultsTable::is_table(results, format);
}

std::string spool_of(const MapCommandOptions& options) {
  if (options.joblog) return *options.joblog + ".batches";
  return fmt::format(".furrow/map/{}", ::getpid());
}

// The resources have the same names as in a Snakefile.
exec::Allocation asked_of(const MapCommandOptions& options) {
  workflow::JobDemands::Demand demand;
  for (const auto& [name, text] : options.cluster_resources) {
    const auto number = whole_number(text);
    demand.resources.emplace_back(name == "cores" ? "cpus_per_task" : name,
                                  number ? workflow::ResourceValue(*number) : workflow::ResourceValue(text));
  }
  return allocation_of(demand);
}

exec::ClusterOptions cluster_options(const MapCommandOptions& options, const std::string& spool,
                                     std::string scratch) {
  exec::ExecutorSettings settings = options.executor;
  const bool is_given = options.jobs.kind != Count::Kind::kPercent || options.jobs.value != 100;
  settings.jobs = is_given ? options.jobs.jobs(static_cast<unsigned>(os::usable_cores().physical)) : kQueued;
  exec::ClusterOptions cluster = cluster_options_of(settings);
  cluster.spool = spool;
  cluster.scratch = std::move(scratch);
  return cluster;
}

}  // namespace

Result<void> check_map_cluster(const MapCommandOptions& options) {
  const exec::ExecutorSettings& cluster = options.executor;
  if (!cluster.is_cluster()) return {};
  FURROW_TRY(check_batch_nodes(cluster));
  const auto here_only = [](bool is_given, const char* name) -> Result<void> {
    if (!is_given) return {};
    return fail(Error{std::string(name) + " works on this machine only, not with --executor slurm"});
  };
  const std::pair<bool, const char*> all[] = {
      {options.pipe != MapCommandOptions::Pipe::kNo, "--pipe"},
      {options.grouping == MapCommandOptions::Grouping::kNone, "--ungroup"},
      {options.grouping == MapCommandOptions::Grouping::kLine, "--line-buffer"},
      {options.load.has_value(), "--load"},
      {options.memfree > 0, "--memfree"},
      {options.timeout_percent > 0, "--timeout N%"},
      {!options.term_sequence.empty(), "--termseq"},
      {options.results && !is_table(*options.results), "--results FOLDER"}};
  for (const auto& [is_given, name] : all) {
    FURROW_TRY(here_only(is_given, name));
  }
  return {};
}

Result<void> check_map_ranks(const MapCommandOptions& options) {
  const std::pair<bool, const char*> all[] = {{options.executor.is_cluster(), "--executor slurm"},
                                              {options.load.has_value(), "--load"},
                                              {options.memfree > 0, "--memfree"}};
  for (const auto& [is_given, name] : all) {
    if (is_given)
      return fail(Error{std::string(name) + " cannot be used with several ranks of mpirun or srun", "", 0,
                        "Start furrow once, or leave it out."});
  }
  return {};
}

MapCluster::MapCluster(const MapCommandOptions& options, const command::MapSource& source,
                       command::Joblog* log, os::EventLoop& loop, exec::OutputSink& sink, std::string scratch)
    : options_(options),
      source_(source),
      log_(log),
      allocation_(asked_of(options)),
      spool_(spool_of(options)),
      cluster_(cluster_executor(loop, sink, std::move(scratch))) {}

std::unique_ptr<plan::Executor> MapCluster::cluster_executor(os::EventLoop& loop, exec::OutputSink& sink,
                                                             std::string scratch) {
  exec::ExecutorContext context{.loop = loop, .sink = &sink};
  context.needs = this;
  context.cluster_options = cluster_options(options_, spool_, std::move(scratch));
  return exec::make_executor(options_.executor.name, options_.executor, std::move(context));
}

MapCluster::~MapCluster() {
  if (!log_) ::rmdir(spool_.c_str());
  if (log_) ::rmdir((*options_.joblog + ".batches").c_str());  // removes it only if it is empty
}

Result<void> MapCluster::adopt() {
  if (!log_) return {};
  // Without --resume every job runs again, and with the other two the failed ones do: then none may still be
  // running.
  const bool goes_on = options_.resume && !options_.resume_failed && !options_.retry_failed;
  cluster_->in_flight_jobs()->adopt([&](const std::string& key) {
    std::uint64_t number = 0;
    std::from_chars(key.data(), key.data() + key.size(), number, 16);
    return goes_on && log_->past().by_key(number) == command::PastJobs::Before::kNever;
  });
  if (goes_on || cluster_->in_flight_jobs()->in_flight() == 0) return {};
  return fail(Error{"jobs of an earlier furrow map with this log are still on the cluster", "", 0,
                    "Wait for them with --resume; or cancel them and remove the folder " + spool_ + "."});
}

void MapCluster::finish() {
  cluster_->in_flight_jobs()->finish([](const std::string&) { return false; });
}

exec::ClusterNeeds MapCluster::needs(const plan::Attempt& attempt) {
  const command::MapJob& job = source_.job(attempt.job);
  exec::ClusterNeeds needs;
  needs.allocation = allocation_;
  needs.key = job.has_key ? fmt::format("{:016x}", job.key) : fmt::format("job {}", job.seq);
  needs.identity = job.has_key ? job.key : 0;
  needs.kind = "map";
  needs.name = fmt::format("job {}", job.seq);
  return needs;
}

std::vector<Result<exec::NeedsSource::Words>> MapCluster::words(
    std::span<const plan::Attempt* const> attempts) {
  return std::vector<Result<Words>>(attempts.size());
}

}  // namespace furrow::cli

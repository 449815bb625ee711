// The part of WorkflowSource that says what a job is: for its record, and for engines that may follow.
#include <utility>

#include "base/hash.hpp"
#include "workflow/dag/job_params.hpp"
#include "workflow/workflow_source.hpp"

namespace furrow::workflow {

std::uint64_t WorkflowSource::identity(plan::JobId job) const {
  const CompiledRule& rule = rules_[dag_.node(nodes_[job]).rule];
  const auto running = running_.find(job);
  static const std::vector<Param> kNone;
  const auto values = dag_.values(nodes_[job], rules_);
  std::uint64_t hash =
      combine(code_hashes_.of(rule),
              JobParams(rule, values, running == running_.end() ? kNone : running->second.params).hash());
  for (const FileId file : dag_.inputs(nodes_[job])) hash = combine(hash, hash64(dag_.files.view(file)));
  const std::string environment = environments_ == nullptr ? "" : environments_->identity(nodes_[job]);
  return environment.empty() ? hash : combine(hash, hash64(environment));
}

store::JobRecord WorkflowSource::make_record(plan::JobId job, int attempt) const {
  const NodeId node = nodes_[job];
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  const auto values = dag_.values(node, rules_);
  store::JobRecord record;
  record.key = record_key(dag_, rules_, node);
  record.rule = rule.rule.name;
  record.wildcards = show_wildcards(rule, values);
  record.host = host_;
  record.attempt = attempt;
  record.code_hash = code_hashes_.of(rule);
  if (const auto running = running_.find(job); running != running_.end()) {
    JobParams(rule, values, running->second.params).write_to(record);
    record.command = running->second.command;
  }
  if (environments_ != nullptr) record.environment = environments_->identity(node);
  if (const auto demand = demand_of(job, attempt)) record.threads = static_cast<int>(demand->threads);
  return record;
}

// The record written when the job started, completed with the results of its run.
store::JobRecord WorkflowSource::take_record(const plan::Exit& exit) {
  const auto running = running_.find(exit.job);
  const bool is_made =
      running != running_.end() && running->second.record && running->second.record->attempt == exit.attempt;
  store::JobRecord ended =
      is_made ? *std::exchange(running->second.record, std::nullopt) : make_record(exit.job, exit.attempt);
  if (exit.host) ended.host = *exit.host;
  ended.status = exit.status;
  ended.signal = exit.signal;
  ended.started_at = exit.started_at;
  ended.finished_at = exit.started_at + exit.usage.wall_s;
  ended.user_s = exit.usage.user_s;
  ended.system_s = exit.usage.system_s;
  ended.max_rss_kb = exit.usage.max_rss_kb;
  return ended;
}

Result<void> WorkflowSource::write_benchmark(const plan::Exit& exit) const {
  const NodeId node = nodes_[exit.job];
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  if (rule.benchmarks.empty() || options_.touch_only) return {};
  const auto running = running_.find(exit.job);
  std::vector<plan::Usage> runs;
  if (running != running_.end()) runs = running->second.runs;
  runs.push_back(exit.usage);
  const std::string path = rule.benchmarks.front().filled(dag_.values(node, rules_));
  if (!options_.extended_benchmarks) return workflow::write_benchmark(path, runs);
  const BenchmarkedJob job = benchmarked(exit);
  return workflow::write_benchmark(path, runs, &job);
}

BenchmarkedJob WorkflowSource::benchmarked(const plan::Exit& exit) const {
  constexpr double kMiB = 1 << 20;
  const NodeId node = nodes_[exit.job];
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  JobView seen = view(exit.job, exit.attempt);
  const auto running = running_.find(exit.job);
  static const std::vector<Param> kNone;
  const auto values = dag_.values(node, rules_);
  BenchmarkedJob job{.number = static_cast<std::int64_t>(exit.job) + 1, .rule = rule.rule.name};
  job.params =
      JobParams(rule, values, running == running_.end() ? kNone : running->second.params).named_values();
  for (const std::string& input : seen.input)
    job.input_mb.emplace_back(input, static_cast<double>(os::status(input).size) / kMiB);
  job.wildcards = std::move(seen.wildcards);
  job.threads = seen.threads;
  job.resources = std::move(seen.resources);
  return job;
}

}  // namespace furrow::workflow

#include "cli/run/run_draft.hpp"

#include <cstdint>
#include <optional>
#include <utility>

#include "base/strings.hpp"

namespace furrow::cli {

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Result<void> add_pairs(const std::vector<std::string>& texts, const char* option, Pairs& pairs) {
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(std::string(option) + ": " + text + " is not of the form NAME=VALUE");
    pairs.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return {};
}

bool is_given(const RunDraft& draft, const char* name) { return draft.given.contains(name); }
bool is_of_profile(const RunDraft& draft, const char* name) { return draft.run.of_profiles.contains(name); }

Result<void> check_cluster_numbers(const RunOptions& run) {
  const ClusterSettings& cluster = run.cluster;
  const std::pair<bool, const char*> all[] = {{cluster.cancel_names >= 1, "--cluster-cancel-nargs"},
                                              {cluster.statuses_per_s > 0, "--max-status-checks-per-second"},
                                              {cluster.status_every_s > 0, "--seconds-between-status-checks"},
                                              {cluster.submissions_per_s >= 0, "--max-jobs-per-second"},
                                              {cluster.batch_cores >= 0, "--batch-cores"},
                                              {cluster.batch_nodes >= 1, "--batch-nodes"},
                                              {run.local_cores.value_or(1) >= 1, "--local-cores"}};
  for (const auto& [is_right, name] : all)
    if (!is_right) return fail(std::string(name) + " takes a number above 0");
  return {};
}

Result<void> finish_executor(RunDraft& draft) {
  ClusterSettings& to = draft.run.cluster;
  if (draft.slurm) draft.executor = "slurm";
  if (draft.executor == "slurm") {
    to.kind = ClusterSettings::Kind::kSlurm;
  } else if (!to.submit.empty() && draft.executor != "local") {
    to.kind = ClusterSettings::Kind::kCommands;
  } else if (draft.executor == "cluster-generic") {
    return fail("--executor cluster-generic needs the command of --cluster");
  } else if (!draft.executor.empty() && draft.executor != "local") {
    return fail("--executor " + draft.executor + " is none of local, slurm, cluster-generic");
  }
  if (to.kind == ClusterSettings::Kind::kSlurm && !to.submit.empty())
    return fail("--executor slurm and --cluster are two ways to the same: give one");
  if (draft.executor == "local" && is_given(draft, "--cluster") && !is_of_profile(draft, "--cluster"))
    return fail("--executor local and --cluster contradict each other: give one");
  return {};
}

Result<void> finish_cluster(RunDraft& draft) {
  RunOptions& run = draft.run;
  if (auto known = check_packing(run.cluster.packing); !known)
    return fail("--packing: " + known.error().message);
  if (auto right = check_cluster_numbers(run); !right) return right;
  if (auto known = finish_executor(draft); !known) return known;
  // Snakemake's own patience, where files are seen through a network.
  if (run.cluster.is_on() && !is_given(draft, "--latency-wait")) run.latency_wait_s = 5;
  std::set<std::string> own = draft.given;
  for (const std::string& name : run.of_profiles) own.erase(name);
  return check_effects(run.cluster, own);
}

Result<void> finish_jobs(RunDraft& draft) {
  std::optional<std::int64_t>& most = draft.run.cluster.jobs;
  if (draft.jobs.empty() || draft.jobs == "all" || draft.jobs == "unlimited") {
    most = 100'000;
    return {};
  }
  most = whole_number(draft.jobs);
  if (most.value_or(0) < 1) return fail("--jobs " + draft.jobs + " is no number of jobs");
  return {};
}

// Without a cluster --jobs means the same as --cores.
Result<void> finish_cores(RunDraft& draft) {
  const auto number = [](const std::string& text) { return text.empty() ? "all" : text; };
  const bool has_jobs = is_given(draft, "--jobs"), is_cluster = draft.run.cluster.is_on();
  const bool is_overruled =
      has_jobs && !is_cluster && is_of_profile(draft, "--cores") && !is_of_profile(draft, "--jobs");
  if (is_given(draft, "--cores") && !is_overruled) draft.run.cores = number(draft.cores);
  if (has_jobs && is_cluster) return finish_jobs(draft);
  if (has_jobs && !draft.run.cores) draft.run.cores = number(draft.jobs);
  return {};
}

Result<void> finish_quiet(RunDraft& draft) {
  if (!is_given(draft, "--quiet")) return {};
  std::erase(draft.quiet, "");  // what CLI11 makes of an option without its value
  draft.run.quiet_progress = true;
  for (const std::string& what : draft.quiet) {
    static const std::set<std::string> kKnown{"progress", "rules", "all", "host", "reason"};
    if (!kKnown.contains(what))
      return fail("--quiet: " + what +
                  " is none of progress, rules, all, host, reason; targets go before it, or after --");
    if (what == "all") draft.run.quiet_all = true;
  }
  return {};
}

Result<void> finish_graph(RunOptions& run, RunOptions::Mode mode, const std::string& format) {
  run.mode = mode;
  if (format == "mermaid" || format == "mermaid-js") {
    run.mermaid = true;
  } else if (!format.empty() && format != "dot") {
    return fail("graph format " + format + " is neither dot nor mermaid");
  }
  return {};
}

Result<void> finish_mode(RunDraft& draft) {
  if (is_given(draft, "--why")) draft.run.mode = RunOptions::Mode::kWhy;
  if (is_given(draft, "--rulegraph"))
    return finish_graph(draft.run, RunOptions::Mode::kRuleGraph, draft.rulegraph);
  if (is_given(draft, "--dag")) return finish_graph(draft.run, RunOptions::Mode::kDag, draft.dag);
  return {};
}

Result<void> finish_pairs(RunDraft& draft) {
  RunOptions& run = draft.run;
  const std::tuple<const std::vector<std::string>&, const char*, Pairs&> all[] = {
      {draft.resources, "--resources", run.resources},
      {draft.set_threads, "--set-threads", run.set_threads},
      {draft.set_resources, "--set-resources", run.set_resources},
      {draft.default_resources, "--default-resources", run.default_resources},
      {draft.groups, "--groups", run.groups}};
  for (const auto& [texts, option, pairs] : all)
    if (auto added = add_pairs(texts, option, pairs); !added) return added;
  return {};
}

Result<void> finish_group_components(RunDraft& draft) {
  Pairs pairs;
  if (auto added = add_pairs(draft.group_components, "--group-components", pairs); !added) return added;
  for (const auto& [group, number] : pairs) {
    const std::optional<std::int64_t> count = whole_number(number);
    if (count.value_or(0) < 1)
      return fail("--group-components: " + number + " is no number of components of " + group);
    draft.run.group_components[group] = static_cast<std::size_t>(*count);
  }
  return {};
}

Result<void> finish_resource_scopes(RunDraft& draft) {
  Pairs pairs;
  if (auto added = add_pairs(draft.resource_scopes, "--set-resource-scopes", pairs); !added) return added;
  for (const auto& [name, scope] : pairs) {
    if (scope != "local" && scope != "global")
      return fail("--set-resource-scopes: " + scope + " is neither local nor global");
    draft.run.resource_scopes[name] = scope;
  }
  return {};
}

Result<void> finish_triggers(RunDraft& draft) {
  if (draft.run.hash_limit < 0) return fail("--max-checksum-file-size takes a number of bytes");
  for (const std::string& trigger : draft.run.rerun_triggers) {
    static const std::set<std::string> kKnown{"mtime", "params", "input", "software-env", "code"};
    if (!kKnown.contains(trigger))
      return fail("--rerun-triggers: " + trigger + " is none of mtime, params, input, software-env, code");
  }
  return {};
}

}  // namespace

Result<RunOptions> finish(RunDraft draft) {
  for (const auto& part : {finish_cluster, finish_cores, finish_quiet, finish_mode, finish_pairs,
                           finish_group_components, finish_resource_scopes, finish_triggers})
    if (auto done = part(draft); !done) return fail(std::move(done.error()));
  return std::move(draft.run);
}

}  // namespace furrow::cli

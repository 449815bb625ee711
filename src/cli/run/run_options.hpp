// The arguments of `furrow run`, read: Snakemake's names, so that habits and scripts carry over.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "cli/cluster_options.hpp"

namespace furrow::cli {

struct RunOptions {
  std::vector<std::string> targets;
  std::string snakefile;  // empty: the first of the usual places
  std::string directory;  // empty: stay
  std::string python;
  std::optional<std::string> cores;  // a number or "all"
  ClusterSettings cluster;
  std::optional<std::int64_t> local_cores;  // for jobs that run here while the others run on a cluster
  std::vector<std::string> profiles;
  std::string workflow_profile = "default";  // "none": none

  bool dry_run = false, print_commands = false, keep_going = false, touch = false, verbose = false;
  bool quiet_progress = false, quiet_all = false;
  bool force = false, force_all = false, unlock = false, not_temp = false, keep_incomplete = false,
       allow_ambiguity = false;
  bool rerun_incomplete = false, ignore_incomplete = false;
  std::vector<std::string> force_run, until, omit_from, prioritize;

  std::vector<std::string> config, config_files;
  std::vector<std::pair<std::string, std::string>> resources, set_threads, set_resources, default_resources;
  std::vector<std::pair<std::string, std::string>> groups;  // by rule
  std::map<std::string, std::size_t> group_components;      // by group
  std::map<std::string, std::string> resource_scopes;       // "local" or "global", by resource
  std::set<std::string> of_profiles;  // options: a profile may serve workflows that lack some rules
  std::vector<std::string> envvars;
  std::vector<std::string> rerun_triggers;
  std::optional<int> retries;
  std::optional<std::int64_t> max_threads;
  double latency_wait_s = 0;
  std::string shadow_prefix;
  bool replace_config = false;
  std::int64_t hash_limit = 1 << 20;  // bytes; a larger file is known by its size and time alone

  enum class Mode {
    kRun,
    kDag,
    kRuleGraph,
    kFileGraph,
    kSummary,
    kDetailedSummary,
    kList,
    kListTargets,
    kDeleteAll,
    kDeleteTemp,
    kWhy
  };
  Mode mode = Mode::kRun;
  bool mermaid = false;
  std::vector<std::string> why;
};

// What is to be done instead of running: print TEXT and leave with CODE.
struct Leave {
  int code;
  std::string text;
};

// ARGUMENTS without the program's and the subcommand's name. A profile's values stand where the command line
// says nothing.
tl::expected<RunOptions, Leave> read_run_options(const std::vector<std::string>& arguments);

}  // namespace furrow::cli

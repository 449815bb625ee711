// The parsed arguments of `furrow run`: Snakemake's names, so that habits and scripts carry over.
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
  // Empty: the first of the usual places.
  std::string snakefile;
  // Empty: the current folder.
  std::string directory;
  std::string python;
  // A number or "all".
  std::optional<std::string> cores;
  exec::ExecutorSettings executor;
  // For jobs that run here while the others run on a cluster.
  std::optional<std::int64_t> local_cores;
  std::vector<std::string> profiles;
  // "none": no profile.
  std::string workflow_profile = "default";

  bool dry_run = false, print_commands = false, keep_going = false, touch = false, verbose = false;
  bool quiet_progress = false, quiet_all = false;
  std::vector<std::string> typed{};  // all arguments, as the user gave them
  bool force = false, force_all = false, unlock = false, no_lock = false, not_temp = false,
       keep_incomplete = false, allow_ambiguity = false;
  bool rerun_incomplete = false, ignore_incomplete = false;
  bool no_hooks = false, show_failed_logs = false, all_temp = false;
  std::vector<std::string> force_run, until, omit_from, prioritize;

  std::vector<std::string> config, config_files;
  std::vector<std::pair<std::string, std::string>> resources, set_threads, set_resources, default_resources;
  std::vector<std::pair<std::string, std::string>> set_scatter;
  // By rule.
  std::vector<std::pair<std::string, std::string>> groups;
  // By group.
  std::map<std::string, std::size_t> group_components;
  // "local" or "global", by resource.
  std::map<std::string, std::string> resource_scopes;
  // Options from profiles. They may name rules that this workflow lacks, because a profile may serve several
  // workflows.
  std::set<std::string> of_profiles;
  // "FILE:LINE" of each of these.
  std::map<std::string, std::string> places;
  std::vector<std::string> envvars;
  // For the user: which options of the command line have no effect, and why.
  std::vector<std::string> notes;
  // Software environments that are on: conda, apptainer, env-modules.
  std::set<std::string> deployment;
  std::string conda_prefix, conda_frontend, conda_base_path;
  // "tarballs", "cache", or empty.
  std::string conda_cleanup_pkgs;
  bool conda_keeps_search_paths = false;
  std::string container_prefix, container_arguments, container_runtime;
  std::vector<std::string> rerun_triggers;
  std::optional<int> retries;
  std::optional<std::int64_t> max_threads;
  double latency_wait_s = 0;
  double queue_wait_s = 1;
  std::string shadow_prefix;
  // They must be there, after at most latency_wait_s, before anything is planned.
  std::vector<std::string> wait_for_files;
  bool replace_config = false;
  // In bytes; a larger file is compared only by size and time.
  std::int64_t hash_limit = 1 << 20;

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
    kWhy,
    kListCodeChanges,
    kListInputChanges,
    kListParamsChanges,
    kListUntracked,
    kD3Dag,
    kPrintCompilation,
    kLint,
    kCleanupMetadata,
    kMakeEnvironments,
    kListEnvironments,
    kRemoveEnvironments,
    kContainerize,
    kArchive,
    kReport,
    kRemoveImages,
    kPrintOptions
  };
  Mode mode = Mode::kRun;
  bool mermaid = false;
  std::vector<std::string> why, cleanup_metadata;
  bool debug_dag = false, lints_as_json = false;
  // Files; empty: none.
  std::string stats, job_results, trace, dashboard, archive;
  // Of --report: a page or an archive, a style sheet, facts about the workflow. Empty: none.
  std::string report, report_stylesheet, report_metadata;
  bool report_after_run = false;
  bool benchmark_extended = false;
  // --batch: part `index` of `count`, from 1, of the inputs of a rule; empty rule: all.
  struct Batch {
    std::string rule;
    std::int64_t index = 1, count = 1;
  } batch;
  std::vector<std::pair<std::string, std::string>> consider_ancient;
  std::vector<std::string> omit_flags, strict;
  std::string jobscript;
  std::vector<std::string> cluster_config;
  // Where wrappers are looked for: a folder or an address. Empty: in Snakemake's repository of wrappers.
  std::string wrapper_prefix;
  // The output whose notebook is edited, or drafted. Empty: none.
  std::string edit_notebook, draft_notebook;
  std::string notebook_listen = "localhost:8888";
};

// What to do instead of running: print TEXT and exit with CODE.
struct EarlyExit {
  int code;
  std::string text;
};

// ARGUMENTS without the names of program and subcommand. The command line overrides a profile.
tl::expected<RunOptions, EarlyExit> read_run_options(const std::vector<std::string>& arguments);

}  // namespace furrow::cli

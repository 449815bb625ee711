#include "cli/run/run_option_table.hpp"

#include <CLI/CLI.hpp>

namespace furrow::cli {

namespace {

class Table {
 public:
  Table(CLI::App& app, RunDraft& draft) : app_(app), draft_(draft), options_(draft.run) {}

  void what();
  void how();
  void reruns();
  void cluster();
  void settings();
  void files();
  void instead();

 private:
  template <class T>
  CLI::Option* value(const std::string& names, T& into, const std::string& help, const std::string& type) {
    return app_.add_option(names, into, help)->type_name(type);
  }
  CLI::Option* list(const std::string& names, std::vector<std::string>& into, const std::string& help,
                    const std::string& type) {
    return value(names, into, help, type)->expected(-1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  void mode(const std::string& names, RunOptions::Mode mode, const std::string& help);

  CLI::App& app_;
  RunDraft& draft_;
  RunOptions& options_;
};

void Table::what() {
  value("targets", options_.targets, "rules or files to make (default: the first rule)", "");
  value("-s,--snakefile", options_.snakefile, "the workflow (default: Snakefile or workflow/Snakefile)",
        "FILE");
  value("-d,--directory", options_.directory, "work in this folder", "DIR");
  value("--python", options_.python,
        "the Python that evaluates the Snakefile (default: FURROW_PYTHON, python3)", "PROGRAM");
  list("--profile", options_.profiles, "take options from a profile", "NAME");
  value("--workflow-profile", options_.workflow_profile,
        "the workflow's own profile, in profiles/ (default: default; none: none)", "NAME");
  list("-U,--until", options_.until, "go no further than these rules or files", "WHAT");
  list("-O,--omit-from", options_.omit_from, "leave out these rules or files and all that depends on them",
       "WHAT");
}

void Table::how() {
  value("-c,--cores", draft_.cores, "cores to use at a time (default: all that this process may use)",
        "N|all")
      ->expected(0, 1);
  value("-j,--jobs", draft_.jobs, "the same; with a cluster: how many jobs its queue may hold at a time",
        "N|all")
      ->expected(0, 1);
  app_.add_flag("-n,--dry-run,--dryrun", options_.dry_run, "run nothing, say what would run");
  app_.add_flag("-p,--printshellcmds", options_.print_commands, "print commands");
  value("-q,--quiet", draft_.quiet, "say less: progress, rules, all", "WHAT")->expected(0, -1);
  app_.add_flag("--verbose", options_.verbose,
                "say more: what is evaluated by which Python, and how long planning takes");
  app_.add_flag("-r,--reason", draft_.ignored, "(reasons are always given with -n)")->group("");
}

void Table::reruns() {
  app_.add_flag("-k,--keep-going", options_.keep_going, "when a job fails, run what does not depend on it");
  app_.add_flag("-f,--force", options_.force, "make the targets even if they are up to date");
  app_.add_flag("-F,--forceall", options_.force_all, "make everything anew");
  list("-R,--forcerun", options_.force_run, "make these rules or files anew", "WHAT");
  list("--prioritize,-P", options_.prioritize, "start these rules or files, and what they need, first",
       "WHAT");
  value("--max-checksum-file-size", options_.hash_limit,
        "compare contents of files up to this size (default: 1 MiB)", "BYTES");
  list("--rerun-triggers", options_.rerun_triggers,
       "what makes a job run again: mtime, params, input, software-env, code", "WHAT");
  app_.add_flag("--rerun-incomplete,--ri", options_.rerun_incomplete,
                "(always on: what a killed run left is made again)");
  app_.add_flag("--ignore-incomplete,--ii", options_.ignore_incomplete, "trust files of a killed run");
  value("-T,--retries,--restart-times", options_.retries, "try a failing job this many times more", "N");
  value("-w,--latency-wait,--output-wait", options_.latency_wait_s,
        "wait so long for outputs that a file system shows late", "S");
  app_.add_flag("-a,--allow-ambiguity", options_.allow_ambiguity,
                "where rules are ambiguous, take the first");
  app_.add_option("--scheduler", draft_.ignored_text, "accepted: there is one scheduler")->group("");
  app_.add_option("--scheduler-ilp-solver", draft_.ignored_text, "accepted: there is one scheduler")
      ->group("");
  app_.add_flag("--trust-io-cache", draft_.ignored, "accepted: the status of each file is read once anyway")
      ->group("");
  app_.add_flag("--nocolor", draft_.ignored, "accepted: colours go to terminals only")->group("");
  app_.add_flag("--nolock", draft_.ignored, "accepted: the lock ends with its process")->group("");
}

void Table::cluster() {
  const std::string group = "On a cluster";
  ClusterSettings& to = options_.cluster;
  value("--executor,-e", draft_.executor, "where jobs run: local, slurm, or cluster-generic", "NAME")
      ->group(group);
  app_.add_flag("--slurm", draft_.slurm, "the same as --executor slurm")->group(group);
  value("--cluster,--cluster-generic-submit-cmd", to.submit,
        "submit each job with this command; it gets a script, and prints the job's name", "COMMAND")
      ->group(group);
  value("--cluster-status,--cluster-generic-status-cmd", to.status,
        "ask with this command how a job is: running, success or failed", "COMMAND")
      ->group(group);
  value("--cluster-cancel,--cluster-generic-cancel-cmd", to.cancel, "cancel jobs with this command",
        "COMMAND")
      ->group(group);
  value("--cluster-cancel-nargs,--cluster-generic-cancel-nargs", to.cancel_names,
        "give it no more jobs at a time than this (default: 1000)", "N")
      ->group(group);
  value("--max-status-checks-per-second", to.statuses_per_s,
        "start --cluster-status no more often than this (default: 10)", "N")
      ->group(group);
  value("--local-cores", options_.local_cores, "cores of this machine for localrules (default: all)", "N")
      ->group(group);
  value("--packing", to.packing, "how jobs share submissions: auto, one (each its own), array, packed", "HOW")
      ->group(group);
  value("--batch-cores", to.batch_cores,
        "cores of an allocation that short jobs share (default: of the smallest node, at most 8)", "N")
      ->group(group);
  value("--batch-nodes", to.batch_nodes, "nodes of an allocation that short jobs share, by MPI (default: 1)",
        "N")
      ->group(group);
  list("--groups", draft_.groups, "jobs of these rules go to the cluster together: RULE=GROUP...",
       "RULE=GROUP")
      ->group(group);
  list("--group-components", draft_.group_components,
       "so many connected parts of a group go together: GROUP=N... (default: 1)", "GROUP=N")
      ->group(group);
  list("--set-resource-scopes", draft_.resource_scopes,
       "a limit of --resources holds for each submission (local) or for all together (global)", "NAME=SCOPE")
      ->group(group);
  value("--seconds-between-status-checks", to.status_every_s,
        "ask the cluster so often at first, less often later (default: 30)", "S")
      ->group(group);
  value("--max-jobs-per-second", to.submissions_per_s,
        "submit no more than this (default: 1; with --cluster 10)", "N")
      ->group(group);
}

void Table::settings() {
  list("-C,--config", options_.config, "set values of the workflow's configuration", "KEY=VALUE");
  list("--configfile,--configfiles", options_.config_files, "read configuration from these files", "FILE");
  app_.add_flag("--replace-workflow-config", options_.replace_config,
                "let --configfile stand instead of the workflow's own files");
  list("--res,--resources", draft_.resources, "limits of named resources", "NAME=N");
  list("--set-threads", draft_.set_threads, "threads of rules", "RULE=N");
  list("--set-resources", draft_.set_resources, "resources of rules", "RULE:NAME=VALUE");
  list("--default-res,--default-resources", draft_.default_resources, "resources of rules that do not say",
       "NAME=VALUE");
  value("--max-threads", options_.max_threads, "the most threads that a job may have", "N");
  list("--envvars", options_.envvars, "environment variables that the workflow needs", "NAME");
}

void Table::files() {
  app_.add_flag("-t,--touch", options_.touch, "mark outputs as up to date instead of making them");
  app_.add_flag("--notemp,--no-temp,--nt", options_.not_temp, "keep files flagged temp()");
  app_.add_flag("--keep-incomplete", options_.keep_incomplete, "keep what a failed job left");
  value("--shadow-prefix", options_.shadow_prefix, "where jobs with shadow: run", "DIR");
  mode("--delete-all-output", RunOptions::Mode::kDeleteAll, "remove all files that the workflow makes");
  mode("--delete-temp-output", RunOptions::Mode::kDeleteTemp, "remove all files flagged temp()");
  app_.add_flag("--unlock", options_.unlock, "hardly ever needed: the lock ends with its process");
}

void Table::instead() {
  value("--why", options_.why, "explain what makes these targets run, or why nothing does (default: all)",
        "TARGET")
      ->expected(0, -1)
      ->group("Instead of running");
  value("--dag", draft_.dag, "print the graph of jobs, as dot or mermaid", "FORMAT")
      ->expected(0, 1)
      ->group("Instead of running");
  value("--rulegraph", draft_.rulegraph, "print the graph of rules, as dot or mermaid", "FORMAT")
      ->expected(0, 1)
      ->group("Instead of running");
  mode("--filegraph", RunOptions::Mode::kFileGraph, "print the graph of rules with their files, as dot");
  mode("-S,--summary", RunOptions::Mode::kSummary, "print a table of all outputs");
  mode("-D,--detailed-summary", RunOptions::Mode::kDetailedSummary, "the same");
  mode("-l,--list,--list-rules", RunOptions::Mode::kList, "list the rules");
  mode("--lt,--list-target-rules", RunOptions::Mode::kListTargets, "list the rules that can be targets");
}

void Table::mode(const std::string& names, RunOptions::Mode mode, const std::string& help) {
  app_.add_flag_callback(
          names, [&chosen = options_.mode, mode] { chosen = mode; }, help)
      ->group("Instead of running");
}

}  // namespace

void add_run_options(CLI::App& app, RunDraft& draft) {
  Table table(app, draft);
  table.what();
  table.how();
  table.reruns();
  table.cluster();
  table.settings();
  table.files();
  table.instead();
}

std::string full_name(const CLI::App& app, const std::string& name) {
  const CLI::Option* const option = app.get_option_no_throw(name);
  return option && !option->get_lnames().empty() ? "--" + option->get_lnames().front() : name;
}

std::set<std::string> given_options(const CLI::App& app) {
  std::set<std::string> given;
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() > 0 && !option->get_lnames().empty())
      given.insert("--" + option->get_lnames().front());
  }
  return given;
}

std::vector<std::string> all_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

}  // namespace furrow::cli

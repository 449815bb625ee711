#include "cli/run/run_option_table.hpp"

#include <CLI/CLI.hpp>

#include "base/strings.hpp"
#include "cli/run/other_options.hpp"

namespace furrow::cli {

namespace {

// An option that may have been left out, since nobody has typed it.
struct Added {
  CLI::Option* option;

  Added group(const std::string& name) const { return option ? Added{option->group(name)} : *this; }
  Added expected(int count) const { return option ? Added{option->expected(count)} : *this; }
  Added expected(int least, int most) const { return option ? Added{option->expected(least, most)} : *this; }
  Added takes_all() const {
    return option ? Added{option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)} : *this;
  }
};

class Table {
 public:
  // TYPED null: all options.
  Table(CLI::App& app, RunParsedArgs& args, const TypedNames* typed)
      : app_(app), args_(args), options_(args.run), typed_(typed) {}

  void what();
  void how();
  void reruns();
  void cluster();
  void settings();
  void environments();
  void files();
  void instead();
  void without_effect();

 private:
  bool is_wanted(const std::string& names) const { return !typed_ || typed_->has_one_of(names); }
  template <class T>
  Added value(const std::string& names, T& into, const std::string& help, const std::string& type) {
    return {is_wanted(names) ? app_.add_option(names, into, help)->type_name(type) : nullptr};
  }
  template <class T>
  Added flag(const std::string& names, T& into, const std::string& help) {
    return {is_wanted(names) ? app_.add_flag(names, into, help) : nullptr};
  }
  Added list(const std::string& names, std::vector<std::string>& into, const std::string& help,
             const std::string& type) {
    return value(names, into, help, type).expected(-1).takes_all();
  }
  // As list, but it may be given without a value.
  void any_list(const std::string& names, std::vector<std::string>& into, const std::string& help,
                const std::string& type) {
    list(names, into, help, type).expected(0, -1);
  }
  Added mode(const std::string& names, RunOptions::Mode mode, const std::string& help);

  CLI::App& app_;
  RunParsedArgs& args_;
  RunOptions& options_;
  const TypedNames* typed_;
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
  list("-O,--omit-from", options_.omit_from,
       "leave out these rules or files and everything that depends on them", "WHAT");
  value("--batch", args_.batch, "make only part I of N of the inputs of this rule: RULE=I/N", "RULE=I/N");
}

void Table::how() {
  value("-c,--cores", args_.cores, "cores to use at a time (default: all that this process may use)", "N|all")
      .expected(0, 1);
  value("-j,--jobs", args_.jobs, "the same; with a cluster: how many jobs may be in its queue at a time",
        "N|all")
      .expected(0, 1);
  flag("-n,--dry-run,--dryrun", options_.dry_run, "run nothing, print what would run");
  flag("-p,--printshellcmds", options_.print_commands, "print commands");
  value("-q,--quiet", args_.quiet, "print less: progress, rules, all", "WHAT").expected(0, -1);
  flag("--show-failed-logs", options_.show_failed_logs,
       "print the whole log of a failed job, and not only its end");
  flag("--no-hooks", options_.no_hooks, "do not run onstart, onsuccess and onerror");
  value("--stats", options_.stats, "write how long the jobs took, by rule and file, as JSON", "FILE");
  value("--dashboard", options_.dashboard, "write a page that shows the run while it goes on, in a browser",
        "FILE");
  value("--trace", options_.trace, "write a timeline of the run, which ui.perfetto.dev shows", "FILE");
  value("--job-results", options_.job_results, "write what happened to each job, one line of JSON for each",
        "FILE");
  flag("--benchmark-extended", options_.benchmark_extended,
       "add the job's name, params, resources and input sizes to benchmark files");
  flag("--debug-dag", options_.debug_dag, "print which jobs are considered and which are chosen");
  flag("--verbose", options_.verbose, "print more: which Python evaluates what, and how long planning takes");
}

void Table::reruns() {
  flag("-k,--keep-going", options_.keep_going, "when a job fails, run what does not depend on it");
  flag("-f,--force", options_.force, "make the targets even if they are up to date");
  flag("-F,--forceall", options_.force_all, "make everything again");
  any_list("-R,--forcerun", options_.force_run, "make these rules or files again", "WHAT");
  list("--prioritize,-P", options_.prioritize, "start these rules or files, and what they need, first",
       "WHAT");
  value("--max-checksum-file-size", options_.hash_limit,
        "compare contents of files up to this size (default: 1 MiB)", "BYTES");
  list("--rerun-triggers", options_.rerun_triggers,
       "what makes a job run again: mtime, params, input, software-env, code", "WHAT");
  flag("--rerun-incomplete,--ri", options_.rerun_incomplete,
       "(always on: what a killed run left unfinished is made again)");
  flag("--ignore-incomplete,--ii", options_.ignore_incomplete, "trust files that a killed run left");
  value("-T,--retries,--restart-times", options_.retries, "retry a failing job this many times", "N");
  value("-w,--latency-wait,--output-wait", options_.latency_wait_s,
        "wait this long for outputs that a file system shows late", "S");
  value("--queue-input-wait-time", options_.queue_wait_s,
        "how often to look into the queues of from_queue() (default: 1)", "S");
  any_list("--wait-for-files", options_.wait_for_files,
           "before planning, wait until these files are there (see --latency-wait)", "FILE");
  value("--wait-for-files-file", args_.wait_for_files_file, "the same, for the files named in this one",
        "FILE");
  flag("-a,--allow-ambiguity", options_.allow_ambiguity, "if several rules make a file, use the first");
  list("--strict-dag-evaluation", options_.strict,
       "fail, instead of trying another rule, on: functions, cyclic-graph, periodic-wildcards", "WHAT");
  list("--consider-ancient", args_.consider_ancient,
       "take these inputs, by name or place from 0, for ancient(): RULE=INPUT,INPUT...", "RULE=INPUTS");
}

void Table::cluster() {
  const std::string group = "On a cluster";
  exec::ExecutorSettings& to = options_.executor;
  value("--executor,-e", args_.executor, "where jobs run: " + exec::executor_names(), "NAME").group(group);
  flag("--slurm", args_.slurm, "the same as --executor slurm").group(group);
  value("--cluster,--cluster-generic-submit-cmd", to.submit,
        "submit each job with this command, which gets a script and prints the job's id", "COMMAND")
      .group(group);
  value("--cluster-sync", args_.cluster_sync, "the same with a command that waits until the job has ended",
        "COMMAND")
      .group(group);
  value("--precommand", to.precommand, "run this command on the node before each job", "COMMAND")
      .group(group);
  value("--cluster-status,--cluster-generic-status-cmd", to.status,
        "ask this command for a job's state: running, success or failed", "COMMAND")
      .group(group);
  value("--cluster-cancel,--cluster-generic-cancel-cmd", to.cancel, "cancel jobs with this command",
        "COMMAND")
      .group(group);
  value("--cluster-cancel-nargs,--cluster-generic-cancel-nargs", to.cancel_names,
        "give it at most this many jobs at a time (default: 1000)", "N")
      .group(group);
  value("--max-status-checks-per-second", to.statuses_per_s,
        "start --cluster-status at most this often (default: 10)", "N")
      .group(group);
  value("--jobscript,--js", options_.jobscript,
        "a template of the scripts that --cluster submits, with {exec_job} and {properties}", "FILE")
      .group(group);
  list("--cluster-config,-u", options_.cluster_config,
       "values of rules for {cluster.NAME} in the command of --cluster, in YAML or JSON", "FILE")
      .group(group);
  value("--local-cores", options_.local_cores, "cores of this machine for localrules (default: all)", "N")
      .group(group);
  value("--packing", to.packing, "how jobs share submissions: auto, one (each its own), array, packed", "HOW")
      .group(group);
  value("--batch-cores", to.batch_cores,
        "cores of an allocation that short jobs share (default: those of the smallest node, at most 8)", "N")
      .group(group);
  value("--batch-nodes", to.batch_nodes,
        "nodes of an allocation that short jobs share through MPI (default: 1)", "N")
      .group(group);
  list("--groups", args_.groups, "submit jobs of these rules to the cluster together: RULE=GROUP...",
       "RULE=GROUP")
      .group(group);
  list("--group-components", args_.group_components,
       "submit this many connected parts of a group together: GROUP=N... (default: 1)", "GROUP=N")
      .group(group);
  list("--set-resource-scopes", args_.resource_scopes,
       "a limit of --resources applies to each submission (local) or to all together (global)", "NAME=SCOPE")
      .group(group);
  value("--seconds-between-status-checks", to.status_every_s,
        "ask the cluster this often at first, less often later (default: 30)", "S")
      .group(group);
  value("--max-jobs-per-second", to.submissions_per_s,
        "submit at most this many (default: 1; with --cluster 10)", "N")
      .group(group);
  value("--max-jobs-per-timespan", args_.jobs_per_timespan,
        "submit at most N jobs in this time, as in 100/1s or 50/1m", "N/TIME")
      .group(group);
}

void Table::settings() {
  any_list("-C,--config", options_.config, "set values of the workflow's configuration", "KEY=VALUE");
  list("--configfile,--configfiles", options_.config_files, "read configuration from these files", "FILE");
  flag("--replace-workflow-config", options_.replace_config,
       "use --configfile instead of the workflow's own files");
  any_list("--resources,--res", args_.resources, "limit named resources", "NAME=N");
  list("--set-threads", args_.set_threads, "set the threads of rules", "RULE=N");
  list("--set-scatter", args_.set_scatter, "set into how many items scattergather divides", "NAME=N");
  list("--set-resources", args_.set_resources, "set the resources of rules", "RULE:NAME=VALUE");
  any_list("--default-resources,--default-res", args_.default_resources,
           "resources of rules that set none; mem_mb and disk_mb are set, too, as by Snakemake",
           "NAME=VALUE");
  value("--max-threads", options_.max_threads, "the most threads that a job may have", "N");
  list("--envvars", options_.envvars, "environment variables that the workflow needs", "NAME");
  value("--wrapper-prefix", options_.wrapper_prefix,
        "where wrappers are: a folder, an address, or a repository as git+https://...", "PREFIX");
}

void Table::environments() {
  const std::string group = "Software environments";
  flag("--use-conda", args_.use_conda, "run the jobs of rules with conda: in that environment").group(group);
  flag("--use-apptainer,--use-singularity", args_.use_apptainer,
       "run the jobs of rules with container: in that container")
      .group(group);
  flag("--use-envmodules", args_.use_envmodules,
       "run the jobs of rules with envmodules: with these modules loaded")
      .group(group);
  list("--software-deployment-method,--deployment-method,--deployment,--sdm", args_.deployment,
       "the same by name: conda, apptainer, env-modules", "METHOD")
      .group(group);
  value("--conda-prefix", options_.conda_prefix,
        "where conda environments are made (default: SNAKEMAKE_CONDA_PREFIX, .snakemake/conda)", "DIR")
      .group(group);
  value("--conda-frontend", options_.conda_frontend,
        "what makes them: conda, mamba or micromamba (default: the first that is found)", "PROGRAM")
      .group(group);
  value("--conda-base-path", options_.conda_base_path, "the conda installation to use (default: on PATH)",
        "DIR")
      .group(group);
  value("--conda-cleanup-pkgs", args_.conda_cleanup_pkgs,
        "after making one, remove downloads: tarballs, or cache for unpacked packages, too", "WHAT")
      .expected(0, 1)
      .group(group);
  flag("--conda-not-block-search-path-envvars", options_.conda_keeps_search_paths,
       "leave PYTHONPATH, R_LIBS, PERLLIB and PERL5LIB to jobs in conda environments")
      .group(group);
  value("--container-runtime", options_.container_runtime,
        "what runs containers: apptainer, podman, docker or charliecloud; turns containers on", "PROGRAM")
      .group(group);
  value("--apptainer-prefix,--singularity-prefix", options_.container_prefix,
        "where images are kept (default: APPTAINER_CACHEDIR, .snakemake/singularity)", "DIR")
      .group(group);
  value("--apptainer-args,--singularity-args,--container-args", options_.container_arguments,
        "further arguments for the program that runs containers, as a shell reads them", "ARGS")
      .group(group);
}

void Table::files() {
  flag("-t,--touch", options_.touch, "mark outputs as up to date instead of making them");
  flag("--notemp,--no-temp,--nt", options_.not_temp, "keep files flagged temp()");
  flag("--all-temp", options_.all_temp, "treat all outputs as flagged temp()");
  list("--omit-flags", options_.omit_flags, "ignore these flags of files, as in temp protected", "FLAG");
  flag("--keep-incomplete", options_.keep_incomplete, "keep the outputs of failed jobs");
  value("--shadow-prefix", options_.shadow_prefix, "where jobs with shadow: run", "DIR");
  mode("--delete-all-output", RunOptions::Mode::kDeleteAll, "remove all files that the workflow makes");
  mode("--delete-temp-output", RunOptions::Mode::kDeleteTemp, "remove all files flagged temp()");
  flag("--unlock", options_.unlock, "take the jobs of a run killed on another host for ended");
  flag("--nolock", options_.no_lock, "neither lock files nor respect the locks of other runs");
  value("--edit-notebook", options_.edit_notebook,
        "edit the notebook that makes this file, in Jupyter, with the job's snakemake object", "FILE");
  value("--draft-notebook", options_.draft_notebook,
        "make what this file needs, and an empty notebook for the rule that makes it", "FILE");
  value("--notebook-listen", options_.notebook_listen,
        "where --edit-notebook listens (default: localhost:8888)", "IP:PORT");
}

void Table::instead() {
  value("--why", options_.why,
        "explain why these targets must run, or need not (default: all), and how a file came to be", "TARGET")
      .expected(0, -1)
      .group("Instead of running");
  value("--dag", args_.dag, "print the graph of jobs, as dot or mermaid", "FORMAT")
      .expected(0, 1)
      .group("Instead of running");
  value("--rulegraph", args_.rulegraph, "print the graph of rules, as dot or mermaid", "FORMAT")
      .expected(0, 1)
      .group("Instead of running");
  mode("--filegraph", RunOptions::Mode::kFileGraph, "print the graph of rules with their files, as dot");
  mode("-S,--summary", RunOptions::Mode::kSummary, "print a table of all outputs");
  mode("-D,--detailed-summary", RunOptions::Mode::kDetailedSummary, "the same with inputs and commands");
  value("--list-changes,--lc", args_.list_changes,
        "list the outputs whose code, input or params have changed since they were made", "WHAT")
      .expected(0, 1)
      .group("Instead of running");
  mode("--list-code-changes", RunOptions::Mode::kListCodeChanges, "the same as --list-changes code");
  mode("--list-input-changes,--li", RunOptions::Mode::kListInputChanges, "the same as --list-changes input");
  mode("--list-params-changes,--lp", RunOptions::Mode::kListParamsChanges,
       "the same as --list-changes params");
  mode("--list-untracked,--lu", RunOptions::Mode::kListUntracked,
       "list the files in the folder that the workflow neither uses nor makes");
  mode("--d3dag", RunOptions::Mode::kD3Dag, "print the graph of jobs as JSON");
  mode("--print-compilation", RunOptions::Mode::kPrintCompilation,
       "print the Python that the Snakefile is translated to");
  value("--lint", args_.lint, "print advice about the style of the Snakefile, as text or json", "FORMAT")
      .expected(0, 1)
      .group("Instead of running");
  list("--cleanup-metadata,--cm", options_.cleanup_metadata,
       "forget how these files were made, so that only times say whether they are up to date", "FILE")
      .group("Instead of running");
  mode("--conda-create-envs-only", RunOptions::Mode::kMakeEnvironments,
       "only make the conda environments of the workflow");
  mode("--list-conda-envs", RunOptions::Mode::kListEnvironments,
       "list the conda environments of the workflow");
  mode("--conda-cleanup-envs", RunOptions::Mode::kRemoveEnvironments,
       "remove the conda environments that the workflow does not use");
  value("--containerize", args_.containerize,
        "print the recipe of an image with the conda environments of the workflow, for containerized:, as a "
        "dockerfile",
        "FORMAT")
      .expected(0, 1)
      .group("Instead of running");
  value("--archive", options_.archive,
        "write a tar archive of what git has under version control, and of the inputs that no job makes",
        "FILE")
      .group("Instead of running");
  value("--report", options_.report,
        "write a report of results and statistics: a page, or an archive if its name ends in .zip (default: "
        "report.html)",
        "FILE")
      .expected(0, 1)
      .group("Instead of running");
  flag("--report-after-run", options_.report_after_run, "write the report after a run without errors")
      .group("Instead of running");
  value("--report-stylesheet", options_.report_stylesheet, "add this style sheet to the report", "FILE")
      .group("Instead of running");
  value("--report-metadata", options_.report_metadata, "add the facts in this YAML file to the report",
        "FILE")
      .group("Instead of running");
  value("--reporter", args_.reporter, "(html is the only one)", "NAME").group("");
  mode("--container-cleanup-images,--cleanup-containers", RunOptions::Mode::kRemoveImages,
       "remove the images of containers that the workflow does not use");
  mode("--print-options", RunOptions::Mode::kPrintOptions, "").group("");
  mode("-l,--list,--list-rules", RunOptions::Mode::kList, "list the rules");
  mode("--lt,--list-target-rules", RunOptions::Mode::kListTargets, "list the rules that can be targets");
}

// They are not in the help.
void Table::without_effect() {
  using enum OtherOption::Values;
  for (const OtherOption& option : other_options()) {
    const std::string names(option.names);
    if (option.accepts.empty() || !is_wanted(names)) continue;
    if (option.values == kNone) {
      app_.add_flag(names)->group("");
      continue;
    }
    const Added added = list(names, args_.without_effect[names], std::string(option.text), "").group("");
    if (option.values != kSeveral)
      added.expected(option.values == kOne ? 1 : 0, 1).option->allow_extra_args(false);
    if (option.values == kSeveral) added.expected(0, -1);
  }
}

Added Table::mode(const std::string& names, RunOptions::Mode mode, const std::string& help) {
  if (!is_wanted(names)) return {nullptr};
  const auto choose = [&chosen = options_.mode, mode] { chosen = mode; };
  return Added{app_.add_flag_callback(names, choose, help)}.group("Instead of running");
}

}  // namespace

TypedNames::TypedNames(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--") return;
    if (argument.starts_with("--")) {
      long_names_.insert(argument.substr(0, argument.find('=')));
    } else if (argument.starts_with('-')) {
      letters_ += argument.substr(1);
    }
  }
}

bool TypedNames::has_one_of(const std::string& names) const {
  for (const std::string& name : split(names, ',')) {
    if (!name.starts_with('-')) return true;
    if (name.starts_with("--") ? long_names_.contains(name) : letters_.find(name[1]) != std::string::npos)
      return true;
  }
  return false;
}

void add_run_options(CLI::App& app, RunParsedArgs& args, const TypedNames* typed) {
  Table table(app, args, typed);
  table.what();
  table.how();
  table.reruns();
  table.cluster();
  table.settings();
  table.environments();
  table.files();
  table.instead();
  if (typed) table.without_effect();
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
  for (const OtherOption& option : other_options()) {
    if (option.accepts.empty()) continue;
    for (const std::string& name : split(std::string(option.names), ','))
      if (name.starts_with("--")) names.push_back(name);
  }
  return names;
}

}  // namespace furrow::cli

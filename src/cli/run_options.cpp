#include "cli/run_options.hpp"

#include <CLI/CLI.hpp>
#include <charconv>

#include "base/strings.hpp"
#include "cli/profile.hpp"

namespace furrow::cli {

namespace {

constexpr const char* kExamples =
    "Examples:\n"
    "  furrow run                        carry out the first rule of ./Snakefile on all cores\n"
    "  furrow run -c 4 results/a.txt     make one file, on four cores\n"
    "  furrow run -n                     say what would run, and why\n"
    "  furrow run --why results/a.txt    explain why it must be made, or need not be\n"
    "  furrow run --config sample=x      set a value of the workflow's configuration\n";

// Options that Snakemake has and Furrow does not carry out yet: better a clear word than something else than
// was asked for.
const std::map<std::string, std::string>& not_yet() {
  static const std::map<std::string, std::string> kOptions{
      {"--use-conda", "software environments"},
      {"--use-singularity", "containers"},
      {"--use-apptainer", "containers"},
      {"--use-envmodules", "environment modules"},
      {"--software-deployment-method", "software environments"},
      {"--sdm", "software environments"},
      {"--drmaa", "DRMAA"},
      {"--cluster-sync", "commands that wait for the job; --cluster takes one that submits it"},
      {"--cluster-config", "the configuration file of old clusters; say it as resources"},
      {"--jobscript", "templates of job scripts"},
      {"--js", "templates of job scripts"},
      {"--jobname", "names of job scripts"},
      {"--jn", "names of job scripts"},
      {"--immediate-submit", "submitting jobs before those they depend on have ended"},
      {"--kubernetes", "clouds"},
      {"--report", "reports"},
      {"--lint", "linting"},
      {"--archive", "archives"},
      {"--batch", "batches"},
      {"--cache", "caching between workflows"},
      {"--containerize", "containers"},
      {"--edit-notebook", "notebooks"},
      {"--default-storage-provider", "remote storage"},
      {"--generate-unit-tests", "unit tests"},
      {"--d3dag", "that format"},
  };
  return kOptions;
}

std::pair<std::string, std::string> split_pair(const std::string& text, const char* option) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw CLI::ValidationError(std::string(option) + ": " + text + " is not of the form NAME=VALUE");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

class Parser {
 public:
  Parser()
      : app_(
            "Runs a Snakefile: works out which files are missing or out of date, and makes them in parallel.",
            "furrow run") {
    app_.footer(kExamples);
    app_.set_help_flag("-h,--help", "print this and leave");
    what();
    how();
    cluster();
    settings();
    files();
    instead();
  }

  RunOptions parse(std::vector<std::string> arguments) {
    // By ourselves: CLI11 takes a "--" behind a list for the list's end only.
    const auto end = std::find(arguments.begin(), arguments.end(), "--");
    const std::vector<std::string> targets(end == arguments.end() ? end : end + 1, arguments.end());
    arguments.erase(end, arguments.end());
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    app_.parse(std::move(arguments));
    options_.targets.insert(options_.targets.end(), targets.begin(), targets.end());
    finish();
    return options_;
  }

  CLI::App& app() { return app_; }
  const std::vector<std::string>& profiles() const { return options_.profiles; }

  std::vector<std::string> names() {
    std::vector<std::string> names;
    for (const CLI::Option* option : app_.get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    return names;
  }

 private:
  void list(const std::string& names, std::vector<std::string>& into, const std::string& help,
            const std::string& type) {
    app_.add_option(names, into, help)
        ->type_name(type)
        ->expected(-1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  void what() {
    app_.add_option("targets", options_.targets, "rules or files to make (default: the first rule)")
        ->type_name("");
    app_.add_option("-s,--snakefile", options_.snakefile,
                    "the workflow (default: Snakefile or workflow/Snakefile)")
        ->type_name("FILE");
    app_.add_option("-d,--directory", options_.directory, "work in this folder")->type_name("DIR");
    app_.add_option("--python", options_.python,
                    "the Python that evaluates the Snakefile (default: FURROW_PYTHON, python3)")
        ->type_name("PROGRAM");
    list("--profile", options_.profiles, "take options from a profile", "NAME");
    app_.add_option("--workflow-profile", options_.workflow_profile,
                    "the workflow's own profile, in profiles/ (default: default; none: none)")
        ->type_name("NAME");
    list("-U,--until", options_.until, "go no further than these rules or files", "WHAT");
    list("-O,--omit-from", options_.omit_from, "leave out these rules or files and all that depends on them",
         "WHAT");
  }

  void how() {
    app_.add_option("-c,--cores", cores_, "cores to use at a time (default: all that this process may use)")
        ->type_name("N|all")
        ->expected(0, 1);
    app_.add_option("-j,--jobs", jobs_,
                    "the same; with a cluster: how many jobs its queue may hold at a time")
        ->type_name("N|all")
        ->expected(0, 1);
    app_.add_flag("-n,--dry-run,--dryrun", options_.dry_run, "run nothing, say what would run");
    app_.add_flag("-p,--printshellcmds", options_.print_commands, "print commands");
    app_.add_option("-q,--quiet", quiet_, "say less: progress, rules, all")
        ->type_name("WHAT")
        ->expected(0, -1);
    app_.add_flag("--verbose", options_.verbose,
                  "say more: what is evaluated by which Python, and how long planning takes");
    app_.add_flag("-r,--reason", ignored_, "(reasons are always given with -n)")->group("");
    app_.add_flag("-k,--keep-going", options_.keep_going, "when a job fails, run what does not depend on it");
    app_.add_flag("-f,--force", options_.force, "make the targets even if they are up to date");
    app_.add_flag("-F,--forceall", options_.force_all, "make everything anew");
    list("-R,--forcerun", options_.force_run, "make these rules or files anew", "WHAT");
    list("--prioritize,-P", options_.prioritize, "start these rules or files, and what they need, first",
         "WHAT");
    app_.add_option("--max-checksum-file-size", options_.hash_limit,
                    "compare contents of files up to this size (default: 1 MiB)")
        ->type_name("BYTES");
    list("--rerun-triggers", options_.rerun_triggers,
         "what makes a job run again: mtime, params, input, software-env, code", "WHAT");
    app_.add_flag("--rerun-incomplete,--ri", options_.rerun_incomplete,
                  "(always on: what a killed run left is made again)");
    app_.add_flag("--ignore-incomplete,--ii", options_.ignore_incomplete, "trust files of a killed run");
    app_.add_option("-T,--retries,--restart-times", options_.retries,
                    "try a failing job this many times more")
        ->type_name("N");
    app_.add_option("-w,--latency-wait,--output-wait", options_.latency_wait_s,
                    "wait so long for outputs that a file system shows late")
        ->type_name("S");
    app_.add_flag("-a,--allow-ambiguity", options_.allow_ambiguity,
                  "where rules are ambiguous, take the first");
    app_.add_option("--scheduler", scheduler_, "accepted: there is one scheduler")->group("");
    app_.add_option("--scheduler-ilp-solver", scheduler_, "accepted: there is one scheduler")->group("");
    app_.add_flag("--trust-io-cache", ignored_, "accepted: the status of each file is read once anyway")
        ->group("");
    app_.add_flag("--nocolor", ignored_, "accepted: colours go to terminals only")->group("");
    app_.add_flag("--nolock", ignored_, "accepted: the lock ends with its process")->group("");
  }

  void cluster() {
    const std::string group = "On a cluster";
    ClusterSettings& to = options_.cluster;
    app_.add_option("--executor,-e", executor_, "where jobs run: local, slurm, or cluster-generic")
        ->type_name("NAME")
        ->group(group);
    app_.add_flag("--slurm", slurm_, "the same as --executor slurm")->group(group);
    app_.add_option("--cluster,--cluster-generic-submit-cmd", to.submit,
                    "submit each job with this command; it gets a script, and prints the job's name")
        ->type_name("COMMAND")
        ->group(group);
    app_.add_option("--cluster-status,--cluster-generic-status-cmd", to.status,
                    "ask with this command how a job is: running, success or failed")
        ->type_name("COMMAND")
        ->group(group);
    app_.add_option("--cluster-cancel,--cluster-generic-cancel-cmd", to.cancel,
                    "cancel jobs with this command")
        ->type_name("COMMAND")
        ->group(group);
    app_.add_option("--cluster-cancel-nargs,--cluster-generic-cancel-nargs", to.cancel_names,
                    "give it no more jobs at a time than this (default: 1000)")
        ->type_name("N")
        ->group(group);
    app_.add_option("--max-status-checks-per-second", to.statuses_per_s,
                    "start --cluster-status no more often than this (default: 10)")
        ->type_name("N")
        ->group(group);
    app_.add_option("--local-cores", options_.local_cores,
                    "cores of this machine for localrules (default: all)")
        ->type_name("N")
        ->group(group);
    app_.add_option("--packing", to.packing,
                    "how jobs share submissions: auto, one (each its own), array, packed")
        ->type_name("HOW")
        ->group(group);
    app_.add_option("--batch-cores", to.batch_cores,
                    "cores of an allocation that short jobs share (default: of the smallest node, at most 8)")
        ->type_name("N")
        ->group(group);
    app_.add_option("--batch-nodes", to.batch_nodes,
                    "nodes of an allocation that short jobs share, by MPI (default: 1)")
        ->type_name("N")
        ->group(group);
    app_.add_option("--groups", groups_, "jobs of these rules go to the cluster together: RULE=GROUP...")
        ->type_name("RULE=GROUP")
        ->expected(-1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->group(group);
    app_.add_option("--group-components", group_components_,
                    "so many connected parts of a group go together: GROUP=N... (default: 1)")
        ->type_name("GROUP=N")
        ->expected(-1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->group(group);
    app_.add_option("--seconds-between-status-checks", to.status_every_s,
                    "ask the cluster so often at first, less often later (default: 30)")
        ->type_name("S")
        ->group(group);
    app_.add_option("--max-jobs-per-second", to.submissions_per_s,
                    "submit no more than this (default: 1; with --cluster 10)")
        ->type_name("N")
        ->group(group);
  }

  void settings() {
    list("-C,--config", options_.config, "set values of the workflow's configuration", "KEY=VALUE");
    list("--configfile,--configfiles", options_.config_files, "read configuration from these files", "FILE");
    app_.add_flag("--replace-workflow-config", options_.replace_config,
                  "let --configfile stand instead of the workflow's own files");
    list("--res,--resources", resources_, "limits of named resources", "NAME=N");
    list("--set-threads", set_threads_, "threads of rules", "RULE=N");
    list("--set-resources", set_resources_, "resources of rules", "RULE:NAME=VALUE");
    list("--default-res,--default-resources", default_resources_, "resources of rules that do not say",
         "NAME=VALUE");
    app_.add_option("--max-threads", options_.max_threads, "the most threads that a job may have")
        ->type_name("N");
    list("--envvars", options_.envvars, "environment variables that the workflow needs", "NAME");
  }

  void files() {
    app_.add_flag("-t,--touch", options_.touch, "mark outputs as up to date instead of making them");
    app_.add_flag("--notemp,--no-temp,--nt", options_.not_temp, "keep files flagged temp()");
    app_.add_flag("--keep-incomplete", options_.keep_incomplete, "keep what a failed job left");
    app_.add_option("--shadow-prefix", options_.shadow_prefix, "where jobs with shadow: run")
        ->type_name("DIR");
    mode("--delete-all-output", RunOptions::Mode::kDeleteAll, "remove all files that the workflow makes");
    mode("--delete-temp-output", RunOptions::Mode::kDeleteTemp, "remove all files flagged temp()");
    app_.add_flag("--unlock", options_.unlock, "hardly ever needed: the lock ends with its process");
  }

  void instead() {
    app_.add_option("--why", options_.why,
                    "explain what makes these targets run, or why nothing does (default: all)")
        ->type_name("TARGET")
        ->expected(0, -1)
        ->group("Instead of running");
    app_.add_option("--dag", dag_, "print the graph of jobs, as dot or mermaid")
        ->type_name("FORMAT")
        ->expected(0, 1)
        ->group("Instead of running");
    app_.add_option("--rulegraph", rulegraph_, "print the graph of rules, as dot or mermaid")
        ->type_name("FORMAT")
        ->expected(0, 1)
        ->group("Instead of running");
    mode("--filegraph", RunOptions::Mode::kFileGraph, "print the graph of rules with their files, as dot");
    mode("-S,--summary", RunOptions::Mode::kSummary, "print a table of all outputs");
    mode("-D,--detailed-summary", RunOptions::Mode::kDetailedSummary, "the same");
    mode("-l,--list,--list-rules", RunOptions::Mode::kList, "list the rules");
    mode("--lt,--list-target-rules", RunOptions::Mode::kListTargets, "list the rules that can be targets");
  }

  void mode(const std::string& names, RunOptions::Mode mode, const std::string& help) {
    app_.add_flag_callback(
            names, [this, mode] { options_.mode = mode; }, help)
        ->group("Instead of running");
  }

  bool given(const std::string& name) { return app_.get_option(name)->count() > 0; }

  void finish() {
    finish_cluster();
    if (given("--cores")) options_.cores = cores_.empty() ? "all" : cores_;
    if (given("--jobs") && options_.cluster.is_on()) {
      finish_jobs();
    } else if (given("--jobs") && !options_.cores) {
      options_.cores = jobs_.empty() ? "all" : jobs_;
    }
    if (given("--quiet")) finish_quiet();
    if (given("--why")) options_.mode = RunOptions::Mode::kWhy;
    if (given("--dag")) finish_graph(RunOptions::Mode::kDag, dag_);
    if (given("--rulegraph")) finish_graph(RunOptions::Mode::kRuleGraph, rulegraph_);
    if (options_.hash_limit < 0)
      throw CLI::ValidationError("--max-checksum-file-size takes a number of bytes");
    for (const auto& text : resources_) options_.resources.push_back(split_pair(text, "--resources"));
    for (const auto& text : set_threads_) options_.set_threads.push_back(split_pair(text, "--set-threads"));
    for (const auto& text : set_resources_)
      options_.set_resources.push_back(split_pair(text, "--set-resources"));
    for (const auto& text : default_resources_)
      options_.default_resources.push_back(split_pair(text, "--default-resources"));
    finish_groups();
    for (const std::string& trigger : options_.rerun_triggers) {
      static const std::set<std::string> kKnown{"mtime", "params", "input", "software-env", "code"};
      if (!kKnown.contains(trigger))
        throw CLI::ValidationError("--rerun-triggers: " + trigger +
                                   " is none of mtime, params, input, software-env, code");
    }
  }

  void finish_groups() {
    for (const auto& text : groups_) options_.groups.push_back(split_pair(text, "--groups"));
    for (const auto& text : group_components_) {
      const auto [group, number] = split_pair(text, "--group-components");
      const std::optional<std::int64_t> count = whole_number(number);
      if (count.value_or(0) < 1)
        throw CLI::ValidationError("--group-components: " + number + " is no number of components of " +
                                   group);
      options_.group_components[group] = static_cast<std::size_t>(*count);
    }
  }

  void finish_cluster() {
    ClusterSettings& to = options_.cluster;
    if (slurm_) executor_ = "slurm";
    static const std::set<std::string> kPackings{"auto", "one", "array", "packed"};
    if (!kPackings.contains(to.packing))
      throw CLI::ValidationError("--packing: " + to.packing + " is none of auto, one, array, packed");
    if (to.cancel_names < 1 || to.statuses_per_s <= 0 || to.status_every_s <= 0 || to.submissions_per_s < 0 ||
        to.batch_cores < 0 || to.batch_nodes < 1 || options_.local_cores.value_or(1) < 1)
      throw CLI::ValidationError("what is said of a cluster must be more than nothing");
    if (executor_ == "slurm") {
      to.kind = ClusterSettings::Kind::kSlurm;
    } else if (!to.submit.empty() && executor_ != "local") {
      to.kind = ClusterSettings::Kind::kCommands;
    } else if (executor_ == "cluster-generic") {
      throw CLI::ValidationError("--executor cluster-generic needs the command of --cluster");
    } else if (!executor_.empty() && executor_ != "local") {
      throw CLI::ValidationError("--executor " + executor_ + " is none of local, slurm, cluster-generic");
    }
    if (to.kind == ClusterSettings::Kind::kSlurm && !to.submit.empty())
      throw CLI::ValidationError("--executor slurm and --cluster are two ways to the same: give one");
    // Snakemake's own patience, where files are seen through a network.
    if (to.is_on() && !given("--latency-wait")) options_.latency_wait_s = 5;
  }

  void finish_jobs() {
    if (jobs_.empty() || jobs_ == "all" || jobs_ == "unlimited") {
      options_.cluster.jobs = 100'000;
      return;
    }
    options_.cluster.jobs = whole_number(jobs_);
    if (options_.cluster.jobs.value_or(0) < 1)
      throw CLI::ValidationError("--jobs " + jobs_ + " is no number of jobs");
  }

  void finish_quiet() {
    std::erase(quiet_, "");  // what CLI11 makes of an option without its value
    if (quiet_.empty()) quiet_.push_back("progress");
    for (const std::string& what : quiet_) {
      static const std::set<std::string> kKnown{"progress", "rules", "all", "host", "reason"};
      if (!kKnown.contains(what))
        throw CLI::ValidationError(
            "--quiet: " + what +
            " is none of progress, rules, all, host, reason; targets go before it, or after --");
      if (what == "all") options_.quiet_all = true;
      options_.quiet_progress = true;
    }
  }

  void finish_graph(RunOptions::Mode mode, const std::string& format) {
    options_.mode = mode;
    if (format == "mermaid" || format == "mermaid-js") {
      options_.mermaid = true;
    } else if (!format.empty() && format != "dot") {
      throw CLI::ValidationError("graph format " + format + " is neither dot nor mermaid");
    }
  }

  CLI::App app_;
  RunOptions options_;
  std::string cores_, jobs_, dag_, rulegraph_, executor_, scheduler_;
  std::vector<std::string> quiet_, resources_, set_threads_, set_resources_, default_resources_, groups_,
      group_components_;
  bool ignored_ = false, slurm_ = false;
};

std::string explain_mistake(const std::vector<std::string>& arguments, const std::string& message) {
  for (const std::string& argument : arguments) {
    if (argument == "--") break;
    if (!argument.starts_with("--")) continue;
    const std::string name = argument.substr(0, argument.find('='));
    Parser parser;
    const std::vector<std::string> names = parser.names();
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    if (const auto later = not_yet().find(name); later != not_yet().end())
      return name + ": not yet (" + later->second + ")";
    const std::string near = nearest(name, names);
    return "there is no option " + name +
           (near.empty() ? "; see furrow run --help" : "\n  Did you mean " + near + "?");
  }
  return message + "\n  See furrow run --help.";
}

// There, --cores and --jobs mean two things.
bool is_for_cluster(const std::vector<ProfileOption>& profile, Parser& parser) {
  static const std::set<std::string> kSigns{"executor", "slurm", "cluster", "cluster-generic-submit-cmd"};
  const auto is_given = [&](const std::string& name) {
    const CLI::Option* const known = parser.app().get_option_no_throw("--" + name);
    return known && known->count() > 0;
  };
  return std::any_of(profile.begin(), profile.end(),
                     [&](const ProfileOption& option) { return kSigns.contains(option.name); }) ||
         std::any_of(kSigns.begin(), kSigns.end(), is_given);
}

// Profile values for what the command line does not say, in the same form.
Result<std::vector<std::string>> profile_arguments(const std::vector<std::string>& profiles, Parser& parser) {
  std::vector<std::string> arguments;
  std::set<std::string> given;  // by an earlier profile
  for (const std::string& profile : profiles) {
    auto options = read_profile(profile);
    if (!options) return fail(std::move(options.error()));
    for (const ProfileOption& option : *options) {
      const std::string name = "--" + option.name;
      const CLI::Option* const known = parser.app().get_option_no_throw(name);
      if (name == "--cores" && parser.app().get_option("--jobs")->count() > 0 &&
          !is_for_cluster(*options, parser))
        continue;  // they mean the same
      if ((known && known->count() > 0) || !given.insert(name).second) continue;
      if (!known && not_yet().contains(name))
        return fail(Error{"profile " + profile + ": " + name + ": not yet (" + not_yet().at(name) + ")"});
      arguments.push_back(name);
      arguments.insert(arguments.end(), option.values.begin(), option.values.end());
    }
  }
  return arguments;
}

// The workflow's own profile first: it knows the workflow better than one for all workflows does.
Result<std::vector<std::string>> profiles_of(const RunOptions& options) {
  std::vector<std::string> profiles = options.profiles;
  if (options.workflow_profile == "none") return profiles;
  const std::string own = find_workflow_profile(options.workflow_profile, options.snakefile);
  if (own.empty() && options.workflow_profile != "default")
    return fail(Error{"there is no workflow profile " + options.workflow_profile,
                      {},
                      0,
                      "Looked for it as a path and in profiles/."});
  if (!own.empty()) profiles.insert(profiles.begin(), own);
  return profiles;
}

}  // namespace

tl::expected<RunOptions, Leave> read_run_options(const std::vector<std::string>& arguments) {
  auto parser = std::make_unique<Parser>();
  std::vector<std::string> all = arguments;
  try {
    RunOptions options = parser->parse(all);
    auto profiles = profiles_of(options);
    if (!profiles) return tl::unexpected(Leave{1, "furrow: " + profiles.error().to_string()});
    if (profiles->empty()) return options;
    auto more = profile_arguments(*profiles, *parser);
    if (!more) return tl::unexpected(Leave{1, "furrow: " + more.error().to_string()});
    all.insert(std::find(all.begin(), all.end(), "--"), more->begin(), more->end());
    RunOptions with_profiles = Parser().parse(all);
    with_profiles.of_profiles = {more->begin(), more->end()};
    return with_profiles;
  } catch (const CLI::CallForHelp&) {
    return tl::unexpected(Leave{0, parser->app().help()});
  } catch (const CLI::ParseError& error) {
    return tl::unexpected(Leave{2, "furrow run: " + explain_mistake(all, error.what())});
  }
}

}  // namespace furrow::cli

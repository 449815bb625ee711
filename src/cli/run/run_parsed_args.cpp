#include "cli/run/run_parsed_args.hpp"

#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "base/strings.hpp"
#include "os/files/files.hpp"

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

bool is_given(const RunParsedArgs& args, const char* name) { return args.given.contains(name); }
bool is_of_profile(const RunParsedArgs& args, const char* name) {
  return args.run.of_profiles.contains(name);
}

Result<void> check_cluster_numbers(const RunOptions& run) {
  const exec::ExecutorSettings& cluster = run.executor;
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

// A command that waits until its job has ended runs in the background. Its process stands for the job.
Result<void> finish_sync(RunParsedArgs& args) {
  if (args.cluster_sync.empty()) return {};
  exec::ExecutorSettings& to = args.run.executor;
  if (!to.submit.empty()) return fail("--cluster and --cluster-sync contradict each other: give one");
  if (!to.status.empty() || !to.cancel.empty())
    return fail("--cluster-sync knows when a job has ended: leave out --cluster-status and --cluster-cancel");
  to.submit = "setsid -w sh -c " + shell_quote(args.cluster_sync + " \"$0\" >&2 & echo $!");
  to.status = "sh -c 'kill -0 \"$0\" 2>/dev/null && echo running || echo failed'";
  to.cancel = "kill";
  return {};
}

Result<void> finish_executor(RunParsedArgs& args) {
  exec::ExecutorSettings& to = args.run.executor;
  FURROW_TRY(finish_sync(args));
  if (args.slurm) args.executor = "slurm";
  if (args.executor.empty() && !to.submit.empty()) args.executor = "cluster-generic";
  if (args.executor.empty()) return {};
  const exec::ExecutorType* const type = exec::find_executor(args.executor);
  if (type == nullptr || !type->is_selectable)
    return fail(
        Error{"--executor " + args.executor + " is not one of " + exec::executor_names(),
              {},
              0,
              "Leave it out to run on this machine, or give --cluster the command that submits a job."});
  if (type->takes_commands && to.submit.empty())
    return fail("--executor " + args.executor + " needs the command of --cluster");
  if (type->is_cluster && !type->takes_commands && !to.submit.empty())
    return fail("--executor " + args.executor + " and --cluster are two ways to the same cluster: give one");
  to.name = args.executor;
  if (args.executor == "local" && is_given(args, "--cluster") && !is_of_profile(args, "--cluster"))
    return fail("--executor local and --cluster contradict each other: give one");
  return {};
}

Result<void> finish_cluster(RunParsedArgs& args) {
  RunOptions& run = args.run;
  if (auto known = check_packing(run.executor.packing); !known)
    return fail("--packing: " + known.error().message);
  FURROW_TRY(check_cluster_numbers(run));
  FURROW_TRY(finish_executor(args));
  // Snakemake's default, for files that are seen through a network.
  if (run.executor.is_cluster() && !is_given(args, "--latency-wait")) run.latency_wait_s = 5;
  std::set<std::string> own = args.given;
  for (const std::string& name : run.of_profiles) own.erase(name);
  return check_effects(run.executor, own);
}

Result<void> finish_jobs(RunParsedArgs& args) {
  std::optional<std::int64_t>& most = args.run.executor.jobs;
  if (args.jobs.empty() || args.jobs == "all" || args.jobs == "unlimited") {
    most = 100'000;
    return {};
  }
  most = whole_number(args.jobs);
  if (most.value_or(0) < 1) return fail("--jobs " + args.jobs + " is not a number of jobs");
  return {};
}

std::optional<double> real_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// The seconds of "1s", "5m", "2h" or "1d".
std::optional<double> seconds_in(std::string_view text) {
  static const std::map<char, double> kUnits{{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
  if (text.empty()) return {};
  const auto unit = kUnits.find(text.back());
  const auto number = unit == kUnits.end() ? std::nullopt : real_number(text.substr(0, text.size() - 1));
  return number.value_or(0) > 0 ? std::optional(*number * unit->second) : std::nullopt;
}

Result<void> finish_timespan(RunParsedArgs& args) {
  const std::string& text = args.jobs_per_timespan;
  if (text.empty()) return {};
  const std::size_t slash = text.find('/');
  const auto jobs = real_number(text.substr(0, slash));
  const auto time_s = slash == std::string::npos ? std::nullopt : seconds_in(text.substr(slash + 1));
  if (jobs.value_or(0) <= 0 || !time_s)
    return fail("--max-jobs-per-timespan: " + text + " is not of the form N/TIME, as in 100/1s or 50/1m");
  if (!is_given(args, "--max-jobs-per-second")) args.run.executor.submissions_per_s = *jobs / *time_s;
  return {};
}

Result<void> finish_waiting(RunParsedArgs& args) {
  if (args.wait_for_files_file.empty()) return {};
  const std::string names = FURROW_TRY(os::read_file(args.wait_for_files_file));
  for (const std::string& name : split(names, '\n'))
    if (!name.empty()) args.run.wait_for_files.push_back(name);
  return {};
}

// Without a cluster --jobs means the same as --cores.
Result<void> finish_cores(RunParsedArgs& args) {
  const auto number = [](const std::string& text) { return text.empty() ? "all" : text; };
  const bool has_jobs = is_given(args, "--jobs"), is_cluster = args.run.executor.is_cluster();
  const bool is_overruled =
      has_jobs && !is_cluster && is_of_profile(args, "--cores") && !is_of_profile(args, "--jobs");
  if (is_given(args, "--cores") && !is_overruled) args.run.cores = number(args.cores);
  if (has_jobs && is_cluster) return finish_jobs(args);
  if (has_jobs && !args.run.cores) args.run.cores = number(args.jobs);
  if (args.run.cores && *args.run.cores != "all" && whole_number(*args.run.cores).value_or(0) < 1)
    return fail(std::string(has_jobs && !is_given(args, "--cores") ? "--jobs " : "--cores ") +
                *args.run.cores + " is not a number of cores: give a positive number, or \"all\"");
  return {};
}

Result<void> finish_quiet(RunParsedArgs& args) {
  if (!is_given(args, "--quiet")) return {};
  args.run.quiet_progress = true;
  for (const std::string& what : args.quiet) {
    static const std::set<std::string> kKnown{"progress", "rules", "all", "host", "reason"};
    if (!kKnown.contains(what))
      return fail("--quiet: " + what +
                  " is not one of progress, rules, all, host, reason; put targets before it, or after --");
    if (what == "all") args.run.quiet_all = true;
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

Result<void> finish_mode(RunParsedArgs& args) {
  if (is_given(args, "--list-changes")) {
    static const std::map<std::string, RunOptions::Mode> kKinds{
        {"", RunOptions::Mode::kListCodeChanges},
        {"code", RunOptions::Mode::kListCodeChanges},
        {"input", RunOptions::Mode::kListInputChanges},
        {"params", RunOptions::Mode::kListParamsChanges}};
    const auto kind = kKinds.find(args.list_changes);
    if (kind == kKinds.end())
      return fail("--list-changes: " + args.list_changes + " is not one of code, input, params");
    args.run.mode = kind->second;
  }
  if (is_given(args, "--lint")) {
    if (!args.lint.empty() && args.lint != "text" && args.lint != "json")
      return fail("--lint: " + args.lint + " is neither text nor json");
    args.run.mode = RunOptions::Mode::kLint;
    args.run.lints_as_json = args.lint == "json";
  }
  if (is_given(args, "--cleanup-metadata")) args.run.mode = RunOptions::Mode::kCleanupMetadata;
  if (is_given(args, "--why")) args.run.mode = RunOptions::Mode::kWhy;
  if (is_given(args, "--rulegraph"))
    return finish_graph(args.run, RunOptions::Mode::kRuleGraph, args.rulegraph);
  if (is_given(args, "--dag")) return finish_graph(args.run, RunOptions::Mode::kDag, args.dag);
  return {};
}

Result<void> finish_report(RunParsedArgs& args) {
  if (is_given(args, "--archive")) args.run.mode = RunOptions::Mode::kArchive;
  RunOptions& run = args.run;
  if (!args.reporter.empty() && args.reporter != "html")
    return fail("--reporter " + args.reporter + ": html is the only kind of report");
  if (!is_given(args, "--report")) {
    if (run.report_after_run) return fail("--report-after-run needs --report FILE, which says where");
    return {};
  }
  if (run.report.empty()) run.report = "report.html";
  if (!run.report.ends_with(".html") && !run.report.ends_with(".zip"))
    return fail("--report " + run.report + " ends neither in .html nor in .zip");
  if (!run.report_after_run) run.mode = RunOptions::Mode::kReport;
  return {};
}

Result<void> finish_pairs(RunParsedArgs& args) {
  RunOptions& run = args.run;
  const std::tuple<const std::vector<std::string>&, const char*, Pairs&> all[] = {
      {args.resources, "--resources", run.resources},
      {args.set_threads, "--set-threads", run.set_threads},
      {args.set_scatter, "--set-scatter", run.set_scatter},
      {args.set_resources, "--set-resources", run.set_resources},
      {args.default_resources, "--default-resources", run.default_resources},
      {args.groups, "--groups", run.groups},
      {args.consider_ancient, "--consider-ancient", run.consider_ancient}};
  for (const auto& [texts, option, pairs] : all) FURROW_TRY(add_pairs(texts, option, pairs));
  for (const auto& [name, text] : run.resources)
    if (!whole_number(text))
      return fail("--resources " + name + "=" + text +
                  " is not a whole number: give a limit, as in mem_mb=16000");
  for (const auto& [name, text] : run.set_scatter)
    if (whole_number(text).value_or(0) < 1)
      return fail("--set-scatter " + name + "=" + text + " is not a whole number of at least 1");
  return {};
}

// Snakemake's own, which come with the first that is set.
Result<void> finish_default_resources(RunParsedArgs& args) {
  RunOptions& run = args.run;
  if (!run.executor.is_cluster() && !is_given(args, "--default-resources")) return {};
  const std::string size = "max(2*input.size_mb, 1000)";
  run.default_resources.insert(run.default_resources.begin(), {{"mem_mb", size}, {"disk_mb", size}});
  return {};
}

Result<void> finish_group_components(RunParsedArgs& args) {
  Pairs pairs;
  FURROW_TRY(add_pairs(args.group_components, "--group-components", pairs));
  for (const auto& [group, number] : pairs) {
    const std::optional<std::int64_t> count = whole_number(number);
    if (count.value_or(0) < 1)
      return fail("--group-components: " + number + " is not a number of components of " + group);
    args.run.group_components[group] = static_cast<std::size_t>(*count);
  }
  return {};
}

Result<void> finish_resource_scopes(RunParsedArgs& args) {
  Pairs pairs;
  FURROW_TRY(add_pairs(args.resource_scopes, "--set-resource-scopes", pairs));
  for (const auto& [name, scope] : pairs) {
    if (scope != "local" && scope != "global")
      return fail("--set-resource-scopes: " + scope + " is neither local nor global");
    args.run.resource_scopes[name] = scope;
  }
  return {};
}

Result<void> finish_conda(RunParsedArgs& args) {
  const std::string& frontend = args.run.conda_frontend;
  if (!frontend.empty() && frontend != "conda" && frontend != "mamba" && frontend != "micromamba")
    return fail("--conda-frontend: " + frontend + " is not one of conda, mamba, micromamba");
  if (!is_given(args, "--conda-cleanup-pkgs")) return {};
  const std::string what = args.conda_cleanup_pkgs.empty() ? "tarballs" : args.conda_cleanup_pkgs;
  if (what != "tarballs" && what != "cache")
    return fail("--conda-cleanup-pkgs: " + what + " is neither tarballs nor cache");
  args.run.conda_cleanup_pkgs = what;
  return {};
}

Result<void> finish_deployment(RunParsedArgs& args) {
  std::set<std::string>& on = args.run.deployment;
  for (const std::string& method : args.deployment) {
    static const std::map<std::string, std::string> kKnown{{"conda", "conda"},
                                                           {"apptainer", "apptainer"},
                                                           {"singularity", "apptainer"},
                                                           {"env-modules", "env-modules"}};
    const auto known = kKnown.find(method);
    if (known == kKnown.end())
      return fail("--software-deployment-method: " + method + " is not one of conda, apptainer, env-modules");
    on.insert(known->second);
  }
  if (is_given(args, "--containerize")) args.run.mode = RunOptions::Mode::kContainerize;
  if (!args.containerize.empty() && args.containerize != "dockerfile")
    return fail("--containerize: " + args.containerize +
                " is not a kind of recipe; the only one is dockerfile");
  // They would have no effect without it, and Snakemake refuses them then.
  for (const RunOptions::Mode mode :
       {RunOptions::Mode::kMakeEnvironments, RunOptions::Mode::kListEnvironments,
        RunOptions::Mode::kRemoveEnvironments, RunOptions::Mode::kContainerize})
    if (args.run.mode == mode) on.insert("conda");
  const std::string& runtime = args.run.container_runtime;
  const std::set<std::string> runtimes{"apptainer", "podman", "docker", "charliecloud"};
  if (!runtime.empty() && !runtimes.contains(runtime))
    return fail("--container-runtime: " + runtime + " is not one of apptainer, podman, docker, charliecloud");
  if (args.run.mode == RunOptions::Mode::kRemoveImages || !runtime.empty()) on.insert("apptainer");
  FURROW_TRY(finish_conda(args));
  if (args.use_conda) on.insert("conda");
  if (args.use_apptainer) on.insert("apptainer");
  if (args.use_envmodules) on.insert("env-modules");
  return {};
}

// As in Snakemake, the notebook's output is the only target.
Result<void> finish_notebook(RunParsedArgs& args) {
  RunOptions& run = args.run;
  const std::string& listen = run.notebook_listen;
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string::npos || colon == 0 || !whole_number(listen.substr(colon + 1)))
    return fail("--notebook-listen " + listen + " is not of the form IP:PORT, as in localhost:8888");
  if (run.edit_notebook.empty() && run.draft_notebook.empty()) return {};
  const char* const option = run.edit_notebook.empty() ? "--draft-notebook" : "--edit-notebook";
  if (!run.edit_notebook.empty() && !run.draft_notebook.empty())
    return fail("--edit-notebook and --draft-notebook contradict each other: give one");
  if (!run.targets.empty())
    return fail(std::string(option) + " takes the one file to make: leave out " + run.targets.front());
  if (run.executor.is_cluster() && !run.edit_notebook.empty())
    return fail("--edit-notebook needs its job on this machine: leave out the options for the cluster");
  run.targets = {run.edit_notebook.empty() ? run.draft_notebook : run.edit_notebook};
  if (run.draft_notebook.empty()) {
    run.force = true;
  } else {
    run.omit_from.push_back(run.draft_notebook);
  }
  return {};
}

Result<void> finish_batch(RunParsedArgs& args) {
  if (args.batch.empty()) return {};
  const std::string& text = args.batch;
  const std::size_t equals = text.rfind('='), slash = text.rfind('/');
  const auto number = [&](std::size_t begin, std::size_t end) {
    return whole_number(text.substr(begin, end - begin)).value_or(0);
  };
  if (equals != std::string::npos && equals > 0 && slash != std::string::npos && slash > equals)
    args.run.batch = {text.substr(0, equals), number(equals + 1, slash), number(slash + 1, text.size())};
  const RunOptions::Batch& batch = args.run.batch;
  if (batch.rule.empty() || batch.index < 1 || batch.index > batch.count)
    return fail("--batch " + text + " is not of the form RULE=I/N with I from 1 to N");
  return {};
}

Result<void> finish_strict(RunParsedArgs& args) {
  static const std::set<std::string> kKnown{"functions", "cyclic-graph", "periodic-wildcards"};
  for (const std::string& what : args.run.strict)
    if (!kKnown.contains(what))
      return fail(
          "--strict-dag-evaluation: " + what +
          " is not one of functions, cyclic-graph, periodic-wildcards; put targets before it, or after --");
  static const std::set<std::string> kFlags{"ancient",   "temp",   "protected", "directory", "touch",
                                            "ensure",    "update", "repeat",    "pipe",      "service",
                                            "temporary", "unpack", "report",    "local",     "before_update"};
  for (const std::string& flag : args.run.omit_flags)
    if (!kFlags.contains(flag))
      return fail("--omit-flags: there is no flag " + flag + "; put targets before it, or after --");
  return {};
}

Result<void> finish_triggers(RunParsedArgs& args) {
  if (args.run.hash_limit < 0) return fail("--max-checksum-file-size takes a number of bytes");
  for (const std::string& trigger : args.run.rerun_triggers) {
    static const std::set<std::string> kKnown{"mtime", "params", "input", "software-env", "code"};
    if (!kKnown.contains(trigger))
      return fail("--rerun-triggers: " + trigger + " is not one of mtime, params, input, software-env, code");
  }
  return {};
}

}  // namespace

Result<RunOptions> finish(RunParsedArgs args) {
  // CLI11 stores an empty text for an option without a value.
  for (std::vector<std::string>* list :
       {&args.quiet, &args.run.why, &args.run.force_run, &args.run.wait_for_files, &args.run.config,
        &args.resources, &args.default_resources})
    std::erase(*list, "");
  for (const auto& part :
       {finish_cluster, finish_cores, finish_quiet, finish_mode, finish_report, finish_pairs,
        finish_default_resources, finish_group_components, finish_resource_scopes, finish_deployment,
        finish_triggers, finish_timespan, finish_waiting, finish_batch, finish_strict, finish_notebook})
    FURROW_TRY(part(args));
  return std::move(args.run);
}

}  // namespace furrow::cli

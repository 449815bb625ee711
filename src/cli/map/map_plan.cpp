#include "cli/map/map_plan.hpp"

#include <unistd.h>

#include <cstdio>

#include "command/input/input_batches.hpp"
#include "command/log/results_table.hpp"
#include "command/template/shell_text.hpp"
#include "os/cores/share.hpp"
#include "os/files/files.hpp"

namespace furrow::cli {

namespace {

using command::CommandTemplate;
using command::TemplateOptions;

Error about(const char* option, Error error) {
  error.message = std::string(option) + ": " + error.message;
  return error;
}

// Parses a template that is not a command: nothing is quoted, and no value is appended.
Result<CommandTemplate> parse_text(const char* option, const std::string& text, TemplateOptions options) {
  options.quote = options.quote_words = options.append_value = false;
  auto parsed = CommandTemplate::parse({text}, options);
  if (!parsed) return fail(about(option, std::move(parsed.error())));
  return parsed;
}

Result<void> parse_texts(const MapCommandOptions& options, const TemplateOptions& templates, MapPlan& plan) {
  const auto parse = [&](const char* option, const std::optional<std::string>& text,
                         std::optional<CommandTemplate>& into) -> Result<void> {
    if (!text) return {};
    auto parsed = FURROW_TRY(parse_text(option, *text, templates));
    into = std::move(parsed);
    return {};
  };
  const std::optional<std::string> tag = options.tagstring ? options.tagstring
                                         : options.tag     ? std::optional(templates.value_string)
                                                           : std::nullopt;
  for (const auto& [option, text, into] :
       {std::tuple("--tagstring", tag, &plan.tag), std::tuple("--results", options.results, &plan.results),
        std::tuple("--wd", options.directory, &plan.directory),
        std::tuple("--retries", std::optional(options.retries), &plan.retries)})
    FURROW_TRY(parse(option, text, *into));
  for (const std::string& output : options.outputs) {
    auto parsed = FURROW_TRY(parse_text("--output", output, templates));
    plan.outputs.push_back(std::move(parsed));
  }
  return {};
}

template <class Question>
bool any_text(const MapPlan& plan, Question question) {
  bool answer = false;
  for (const auto* text : {&plan.tag, &plan.results, &plan.directory, &plan.retries})
    answer |= *text && question(**text);
  for (const CommandTemplate& output : plan.outputs) answer |= question(output);
  return answer;
}

template <class Question>
bool any_template(const MapPlan& plan, Question question) {
  return question(plan.command) || any_text(plan, question);
}

void note_facts(const MapCommandOptions& options, MapPlan& plan) {
  plan.needs_identities = any_template(plan, [](const CommandTemplate& text) { return text.uses_seed(); });
  plan.uses_number = any_template(plan, [](const CommandTemplate& text) { return text.uses_number(); }) ||
                     plan.command.text().find("PARALLEL_SEQ") != std::string::npos;
  const auto is_of_job = [](const CommandTemplate& text) {
    return text.uses_values() || text.uses_number() || text.uses_seed();
  };
  // A folder of results has the values in its names, too.
  plan.has_texts_of_jobs = any_text(plan, is_of_job) || options.results || !options.outputs.empty();
}

bool needs_total(const MapCommandOptions& options, const MapPlan& plan) {
  if (any_template(plan, [](const CommandTemplate& text) { return text.uses_total(); })) return true;
  if (options.total_jobs || options.dry_run) return false;
  return options.bar || options.eta || options.halt.percent;
}

void note_terminal(const MapCommandOptions& options) {
  const bool reads =
      options.inputs.sources.empty() && options.pipe == MapCommandOptions::Pipe::kNo && !options.retry_failed;
  if (reads && ::isatty(STDIN_FILENO) && ::isatty(STDERR_FILENO))
    std::fputs("furrow map: reading the inputs from the terminal, one per line; Ctrl-D ends them\n", stderr);
}

// Each rank counts as a machine: -j says how many jobs it runs at a time.
void share_slots(const MapCommandOptions& options, const exec::RankSet& rank_set, MapPlan& plan) {
  plan.slots = 0;
  for (const exec::RankFigures& rank : rank_set.ranks()) {
    const unsigned slots = options.jobs.jobs(static_cast<unsigned>(rank.cores));
    plan.shares.push_back({slots, 0});
    plan.slots += slots;
  }
}

// A job of the log is a finished command: its values are not known.
Result<void> check_texts_to_retry(const MapCommandOptions& options, const MapPlan& plan) {
  if (!options.retry_failed) return {};
  command::ResultsTable::Format format;
  const auto is_of_job = [](const std::optional<CommandTemplate>& text) {
    return text && (text->uses_values() || text->uses_seed() || text->uses_total());
  };
  const char* option = nullptr;
  if (options.results && !command::ResultsTable::is_table(*options.results, format)) option = "--results";
  if (!options.outputs.empty()) option = "--output";
  if (is_of_job(plan.directory)) option = "--wd";
  if (is_of_job(plan.retries)) option = "--retries";
  if (options.tagstring && is_of_job(plan.tag)) option = "--tagstring";
  if (options.pipe != MapCommandOptions::Pipe::kNo) option = "--pipe";
  if (option == nullptr) return {};
  return fail(Error{std::string(option) +
                        " cannot be combined with --retry-failed, which has only the commands of "
                        "the log, without their inputs",
                    "", 0, "Use --resume-failed, with the same command and inputs."});
}

// How many jobs to hand to the cluster executor at a time; from these it chooses what to submit together.
constexpr unsigned kOnCluster = 20'000;

}  // namespace

Result<void> check_log_to_retry(const MapCommandOptions& options) {
  if (!options.retry_failed || os::status(*options.joblog).kind == os::FileStatus::Kind::kFile) return {};
  return fail(Error{"there is no job log " + *options.joblog + ", so --retry-failed knows of no failed job",
                    "", 0, "Name the log of the run that failed."});
}

Result<MapPlan> plan_map(const MapCommandOptions& options, RankSession* ranks) {
  MapPlan plan;
  plan.slots = options.jobs.jobs(static_cast<unsigned>(os::cores_of_job().physical));
  if (options.executor.is_cluster()) plan.slots = kOnCluster;
  if (ranks) share_slots(options, ranks->rank_set(), plan);
  plan.total = options.total_jobs;
  note_terminal(options);
  plan.shell = job_shell(options);
  TemplateOptions templates = options.templates;
  templates.quote_style = plan.shell.quotes;
  const bool pipes = options.pipe != MapCommandOptions::Pipe::kNo;
  if (!pipes) {
    auto inputs = command::open_inputs(options.inputs);
    if (!inputs) return fail(std::move(inputs.error()));
    plan.inputs = std::move(*inputs);
    templates.names = plan.inputs->names();
  }
  auto parsed = CommandTemplate::parse(options.command, templates);
  if (!parsed) return fail(about("the command", std::move(parsed.error())));
  plan.command = std::move(*parsed);
  if (command::redirects_both(plan.command.text()) && runs_in_background(plan.shell.path))
    return fail(background_error(plan.shell.path));
  FURROW_TRY(parse_texts(options, templates, plan));
  FURROW_TRY(check_texts_to_retry(options, plan));
  note_facts(options, plan);
  if (pipes) return plan;

  command::InputBatchOptions batches = options.batches;
  batches.slots = plan.slots;
  plan.inputs = command::make_input_batches(std::move(plan.inputs), plan.command, batches);
  if (needs_total(options, plan)) {
    auto counted = FURROW_TRY(command::count_inputs(std::move(plan.inputs)));
    plan.inputs = std::move(counted.inputs);
    plan.total = counted.total;
  }
  return plan;
}

}  // namespace furrow::cli

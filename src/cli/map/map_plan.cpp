#include "cli/map/map_plan.hpp"

#include <unistd.h>

#include <cstdio>

#include "command/input/input_batches.hpp"
#include "os/cores/cores.hpp"

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
bool any_template(const MapPlan& plan, Question question) {
  bool answer = question(plan.command);
  for (const auto* text : {&plan.tag, &plan.results, &plan.directory, &plan.retries})
    answer |= *text && question(**text);
  for (const CommandTemplate& output : plan.outputs) answer |= question(output);
  return answer;
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

// How many jobs to hand to the cluster executor at a time; from these it chooses what to submit together.
constexpr unsigned kOnCluster = 20'000;

}  // namespace

Result<MapPlan> plan_map(const MapCommandOptions& options, RankSession* ranks) {
  MapPlan plan;
  plan.slots = options.jobs.jobs(static_cast<unsigned>(os::usable_cores().physical));
  if (options.executor.is_cluster()) plan.slots = kOnCluster;
  if (ranks) share_slots(options, ranks->rank_set(), plan);
  plan.total = options.total_jobs;
  note_terminal(options);
  TemplateOptions templates = options.templates;
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
  FURROW_TRY(parse_texts(options, templates, plan));
  plan.needs_identities = any_template(plan, [](const CommandTemplate& text) { return text.uses_seed(); });
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

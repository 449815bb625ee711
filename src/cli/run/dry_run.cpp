#include "cli/run/dry_run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <map>

#include "base/strings.hpp"
#include "cli/report_error.hpp"
#include "cli/run/job_results.hpp"
#include "cli/run/run_check.hpp"
#include "cli/run/software_setup.hpp"
#include "os/terminal/shown.hpp"
#include "workflow/dag/graph_view.hpp"
#include "workflow/dag/identity.hpp"
#include "workflow/dag/refusal.hpp"

namespace furrow::cli {

namespace {

constexpr std::size_t kMostPartners = 5;
constexpr std::size_t kBatch = 1000;  // how many commands one message asks for

// What is not known of a job yet, and why.
std::string waiting_text(WorkflowSession& session, workflow::NodeId node) {
  const auto awaited = workflow::awaited_checkpoints(session.dag(), session.rules(), node);
  if (awaited.empty()) return {};
  return "    its inputs are known once " + join(awaited, ", ") + (awaited.size() == 1 ? " has " : " have ") +
         (session.dag().open_queues().contains(node) ? "ended" : "run") + "\n";
}

// The other jobs of its gang.
std::string partners_text(WorkflowSession& session, workflow::NodeId node) {
  const auto* const gang = session.gangs() ? session.gangs()->of(node) : nullptr;
  if (gang == nullptr) return {};
  std::vector<std::string> names;
  for (const workflow::NodeId partner : gang->nodes) {
    if (partner != node && names.size() < kMostPartners) names.push_back(job_title(session, partner));
  }
  const std::size_t more = gang->nodes.size() - 1 - names.size();
  if (more > 0) names.push_back("and " + std::to_string(more) + " more");
  return "    runs at once with " + join(names, ", ") + "\n";
}

void print_jobs(WorkflowSession& session, RunCheck& check, const std::vector<workflow::NodeId>& nodes) {
  std::vector<workflow::NodeId> asked;
  for (const workflow::NodeId node : nodes) {
    const bool shows = session.options().print_commands && !session.dag().is_unanswered(node);
    if (check.wants(node) || shows) {
      asked.push_back(node);
    } else {
      check.look_at_outputs(node);
    }
  }
  const auto seen = check.look(asked);
  if (session.options().quiet_progress) return;
  std::size_t at = 0;
  for (const workflow::NodeId node : nodes) {
    std::string text =
        job_title(session, node) + ": " + workflow::describe(session.staleness().reasons(node)) + "\n";
    text += waiting_text(session, node) + partners_text(session, node);
    const Result<workflow::Preparation>* const job =
        at < asked.size() && asked[at] == node ? &seen[at++] : nullptr;
    if (job && !*job) {
      text += "    (" + job->error().message + ")\n";
    } else if (job && session.options().print_commands && !(*job)->launch.command.empty()) {
      for (const std::string& line : split((*job)->launch.command, '\n')) text += "    " + line + "\n";
    }
    text = os::shown_on(STDOUT_FILENO, std::move(text));
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
}

int report(const RunCheck& check) {
  std::fflush(stdout);
  if (check.failed() == 0) return 0;
  check.report();
  std::fprintf(stderr, "%s cannot run as %s\n", count_of(check.failed(), "job").c_str(),
               check.failed() == 1 ? "it is." : "they are.");
  return 1;
}

}  // namespace

std::string job_table(WorkflowSession& session) {
  std::vector<std::size_t> by_rule(session.rules().size(), 0);
  for (const workflow::NodeId node : session.dag().order()) {
    if (session.staleness().must_run(node)) ++by_rule[session.dag().node(node).rule];
  }
  std::map<std::string, std::size_t> counts;
  std::size_t width = 5;
  for (workflow::RuleId rule = 0; rule < by_rule.size(); ++rule) {
    if (by_rule[rule] == 0) continue;
    const std::string& name = session.rules()[rule].rule.name;
    counts[name] += by_rule[rule];
    width = std::max(width, name.size());
  }
  std::string text;
  for (const auto& [name, count] : counts) text += fmt::format("    {:{}}  {:>7}\n", name, width, count);
  return text + fmt::format("    {:{}}  {:>7}\n", "total", width, session.staleness().count());
}

std::string more_to_come(WorkflowSession& session) {
  std::size_t waiting = 0;
  for (const auto& [node, files] : session.dag().unanswered()) waiting += session.staleness().must_run(node);
  if (waiting == 0) return {};
  if (!session.rules().has_checkpoints())
    return fmt::format("{} for a queue: more jobs may be needed for what comes from it.",
                       count_of(waiting, "job") + (waiting == 1 ? " waits" : " wait"));
  return fmt::format("{} for checkpoints: more jobs may be needed once these have run.",
                     count_of(waiting, "job") + (waiting == 1 ? " waits" : " wait"));
}

std::string nothing_to_do(WorkflowSession& session) {
  std::string text = "Nothing to do: everything is up to date";
  if (const std::size_t newer = session.staleness().unchanged_inputs(); newer > 0) {
    text += newer == 1 ? " (1 input is newer, its content is unchanged)"
                       : fmt::format(" ({} inputs are newer, their contents are unchanged)", newer);
  }
  return text + ".";
}

int dry_run(WorkflowSession& session) {
  const std::size_t count = session.staleness().count();
  RunCheck check(session);
  std::vector<workflow::NodeId> batch;
  for (const workflow::NodeId node : session.dag().order()) {
    if (!session.staleness().must_run(node)) continue;
    batch.push_back(node);
    if (batch.size() < kBatch) continue;
    print_jobs(session, check, batch);
    batch.clear();
  }
  print_jobs(session, check, batch);
  check.look_at_submissions();
  check.look_at_gangs();
  if (!session.options().quiet_all) {
    const std::string text = os::shown_on(
        STDOUT_FILENO, count == 0
                           ? nothing_to_do(session) + "\n"
                           : fmt::format("{} would run:\n{}", count_of(count, "job"), job_table(session)));
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (const std::string more = more_to_come(session); !more.empty()) print_message(stdout, more);
  }
  if (const std::string& path = session.options().job_results; !path.empty())
    if (auto written = JobResults(session).write(path); !written) return report_error(written.error());
  const auto software = software_to_be_made(session);
  if (!software) return report_error(software.error());
  if (!session.options().quiet_all && !software->empty())
    print_message(stdout, software->substr(0, software->size() - 1));
  const int code = report(check);
  const std::string refusals = refused_jobs(session);
  return refusals.empty() ? code : report_error(Error{refusals});
}

std::vector<std::string> commands_of(WorkflowSession& session, const std::vector<workflow::NodeId>& nodes) {
  std::vector<std::string> commands;
  for (std::size_t begin = 0; begin < nodes.size(); begin += kBatch) {
    std::vector<workflow::JobView> views;
    for (std::size_t i = begin; i < std::min(begin + kBatch, nodes.size()); ++i)
      views.push_back(workflow::view_of(session.dag(), session.rules(), nodes[i]));
    for (const auto& described : session.evaluator().describe(views))
      commands.push_back(described ? described->launch.command : std::string());
  }
  return commands;
}

std::string refused_jobs(WorkflowSession& session) {
  return workflow::show_refusals(session.dag(), session.rules(), [&session](workflow::NodeId node) {
    return session.staleness().must_run(node);
  });
}

}  // namespace furrow::cli

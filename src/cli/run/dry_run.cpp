#include "cli/run/dry_run.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <map>

#include "base/strings.hpp"
#include "workflow/dag/graph_view.hpp"
#include "workflow/dag/identity.hpp"

namespace furrow::cli {

namespace {

constexpr std::size_t kBatch = 1000;  // how many commands one message asks for

std::string title(WorkflowSession& session, workflow::NodeId node) {
  const workflow::CompiledRule& rule = session.rules()[session.dag().node(node).rule];
  const std::string wildcards = workflow::show_wildcards(rule, session.dag().values(node, session.rules()));
  return wildcards.empty() ? rule.rule.name : rule.rule.name + " (" + wildcards + ")";
}

void print_jobs(WorkflowSession& session, const std::vector<workflow::NodeId>& nodes) {
  std::vector<workflow::JobView> views;
  if (session.options().print_commands) {
    for (const workflow::NodeId node : nodes)
      views.push_back(workflow::view_of(session.dag(), session.rules(), node));
  }
  const auto described =
      views.empty() ? std::vector<Result<workflow::Preparation>>() : session.evaluator().describe(views);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    std::string text =
        title(session, nodes[i]) + ": " + workflow::describe(session.staleness().reasons(nodes[i])) + "\n";
    if (i < described.size()) {
      if (!described[i]) {
        text += "    (" + described[i].error().message + ")\n";
      } else if (!described[i]->launch.command.empty()) {
        for (const std::string& line : split(described[i]->launch.command, '\n'))
          text += "    " + line + "\n";
      }
    }
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
}

}  // namespace

std::string job_table(WorkflowSession& session) {
  std::map<std::string, std::size_t> counts;
  std::size_t width = 5;
  for (const workflow::NodeId node : session.dag().order()) {
    if (!session.staleness().must_run(node)) continue;
    const std::string& name = session.rules()[session.dag().node(node).rule].rule.name;
    ++counts[name];
    width = std::max(width, name.size());
  }
  std::string text;
  for (const auto& [name, count] : counts) text += fmt::format("    {:{}}  {:>7}\n", name, width, count);
  return text + fmt::format("    {:{}}  {:>7}\n", "total", width, session.staleness().count());
}

int dry_run(WorkflowSession& session) {
  const std::size_t count = session.staleness().count();
  if (!session.options().quiet_progress) {
    std::vector<workflow::NodeId> batch;
    for (const workflow::NodeId node : session.dag().order()) {
      if (!session.staleness().must_run(node)) continue;
      batch.push_back(node);
      if (batch.size() < kBatch) continue;
      print_jobs(session, batch);
      batch.clear();
    }
    print_jobs(session, batch);
  }
  if (!session.options().quiet_all) {
    const std::string text =
        count == 0 ? "Nothing to do: everything is up to date.\n"
                   : fmt::format("{} would run:\n{}", count_of(count, "job"), job_table(session));
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  std::fflush(stdout);
  return 0;
}

}  // namespace furrow::cli

#include "cli/run/job_results.hpp"

#include "os/files/files.hpp"
#include "text/json.hpp"
#include "workflow/dag/graph_view.hpp"
#include "workflow/dag/identity.hpp"

namespace furrow::cli {

namespace {

void write_end(text::JsonWriter& json, const plan::Exit& exit) {
  json.Key("attempt");
  json.Int(exit.attempt);
  json.Key("started_at");
  json.Double(exit.started_at);
  json.Key("seconds");
  json.Double(exit.usage.wall_s);
  if (exit.ok()) return;
  json.Key("status");
  json.Int(exit.status);
  json.Key("signal");
  json.Int(exit.signal);
  text::write_text(json, "error", exit.error);
}

}  // namespace

void JobResults::on_event(const plan::Event& event) {
  using Kind = plan::Event::Kind;
  const bool is_end =
      event.kind == Kind::kJobFinished || (event.kind == Kind::kJobFailed && !event.will_retry);
  if (!is_end || !event.exit || !source_) return;
  plan::Exit& kept = ends_[source_->node(event.job)] = *event.exit;
  kept.output.clear();
  if (event.error) kept.error = event.error->to_string();
}

// STATES: of the jobs before it.
std::string JobResults::state_of(workflow::NodeId node,
                                 const std::map<workflow::NodeId, std::string>& states) const {
  if (const auto end = ends_.find(node); end != ends_.end())
    return end->second.cancelled ? "interrupted" : end->second.ok() ? "done" : "failed";
  if (!session_.staleness().must_run(node)) return "unneeded";
  if (session_.options().dry_run) return "would-run";
  for (const workflow::FileId file : session_.dag().inputs(node)) {
    const auto made_by = states.find(session_.dag().producer(file));
    if (made_by != states.end() && (made_by->second == "failed" || made_by->second == "skipped"))
      return "skipped";
  }
  return "unstarted";
}

std::string JobResults::line_of(workflow::NodeId node, const std::string& state) const {
  const workflow::JobView view = workflow::view_of(session_.dag(), session_.rules(), node);
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  json.StartObject();
  text::write_text(json, "rule", session_.rules()[view.rule].rule.name);
  json.Key("wildcards");
  json.StartObject();
  for (const auto& [name, value] : view.wildcards) {
    text::write_key(json, name);
    text::write(json, value);
  }
  json.EndObject();
  text::write_texts(json, "output", view.output);
  text::write_texts(json, "log", view.log);
  text::write_text(json, "state", state);
  if (session_.staleness().must_run(node))
    text::write_text(json, "reason", workflow::describe(session_.staleness().reasons(node)));
  if (const auto end = ends_.find(node); end != ends_.end()) write_end(json, end->second);
  json.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

Result<void> JobResults::write(const std::string& path) const {
  std::map<workflow::NodeId, std::string> states;
  std::string text;
  for (const workflow::NodeId node : session_.dag().order()) {
    const std::string& state = states[node] = state_of(node, states);
    text += line_of(node, state);
  }
  return os::write_file(path, text);
}

}  // namespace furrow::cli

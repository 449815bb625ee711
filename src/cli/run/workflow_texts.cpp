#include "cli/run/workflow_texts.hpp"

#include <algorithm>
#include <set>

#include "base/printable.hpp"
#include "base/strings.hpp"
#include "cli/report_error.hpp"
#include "os/files/files.hpp"
#include "text/json.hpp"
#include "workflow/dag/identity.hpp"
#include "workflow/rules/rule_index.hpp"

namespace furrow::cli {

namespace {

// Walks the jobs from the targets down, without recursion: a chain of jobs may be long.
class CandidateWalk {
 public:
  explicit CandidateWalk(WorkflowSession& session) : session_(session), index_(session.rules()) {}

  std::string text() {
    for (const workflow::NodeId target : session_.dag().targets()) {
      if (!begin(target)) continue;
      add("candidate job ", target);
      while (!open_.empty()) step();
    }
    return std::move(text_);
  }

 private:
  struct Open {
    workflow::NodeId node;
    std::size_t next_input = 0;
  };

  bool begin(workflow::NodeId node) {
    if (!seen_.insert(node).second) return false;
    open_.push_back({node});
    return true;
  }

  void step() {
    Open& job = open_.back();
    const auto inputs = session_.dag().inputs(job.node);
    if (job.next_input == inputs.size()) {
      add("selected job ", job.node);
      open_.pop_back();
      return;
    }
    const workflow::FileId file = inputs[job.next_input++];
    index_.find(session_.dag().files.view(file), candidates_);
    for (const workflow::Candidate& candidate : candidates_)
      add("candidate job ", session_.rules()[candidate.rule], candidate.values);
    if (const workflow::NodeId maker = session_.dag().producer(file); maker != workflow::kNoNode)
      begin(maker);
  }

  void add(const char* what, workflow::NodeId node) {
    add(what, session_.rules()[session_.dag().node(node).rule],
        session_.dag().values(node, session_.rules()));
  }
  void add(const char* what, const workflow::CompiledRule& rule, workflow::Values values) {
    text_ +=
        what + rule.rule.name + "\n    wildcards: " + one_line(workflow::show_wildcards(rule, values)) + "\n";
  }

  WorkflowSession& session_;
  workflow::RuleIndex index_;
  std::set<workflow::NodeId> seen_;
  std::vector<Open> open_;
  std::vector<workflow::Candidate> candidates_;
  std::string text_;
};

bool is_hidden(std::string_view name) { return name.starts_with('.'); }

// Adds the files below FOLDER, which ends with a slash or is empty, that KNOWN does not have.
Result<void> add_untracked(const std::string& folder, const std::set<std::string>& known,
                           std::vector<std::string>& found) {
  const auto entries = FURROW_TRY(os::list_directory(folder.empty() ? "." : folder));
  for (const os::DirectoryEntry& entry : entries) {
    const std::string path = folder + entry.name;
    if (is_hidden(entry.name) || known.contains(path)) continue;
    if (entry.is_directory && !entry.is_link) {
      FURROW_TRY(add_untracked(path + "/", known, found));
    } else {
      found.push_back(path);
    }
  }
  return {};
}

}  // namespace

std::string candidate_jobs(WorkflowSession& session) { return CandidateWalk(session).text(); }

std::string graph_as_json(WorkflowSession& session) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  const auto& dag = session.dag();
  json.StartObject();
  json.Key("nodes");
  json.StartArray();
  for (const workflow::NodeId node : dag.order()) {
    const std::string& rule = session.rules()[dag.node(node).rule].rule.name;
    json.StartObject();
    json.Key("id");
    json.Uint(node);
    json.Key("value");
    json.StartObject();
    json.Key("jobid");
    json.Uint(node);
    for (const char* key : {"label", "rule"}) {
      json.Key(key);
      text::write(json, rule);
    }
    json.EndObject();
    json.EndObject();
  }
  json.EndArray();
  json.Key("links");
  json.StartArray();
  for (const workflow::NodeId node : dag.order()) {
    std::set<workflow::NodeId> before;
    for (const workflow::FileId file : dag.inputs(node)) {
      const workflow::NodeId maker = dag.producer(file);
      if (maker == workflow::kNoNode || !session.staleness().must_run(node) ||
          !session.staleness().must_run(maker) || !before.insert(maker).second)
        continue;
      json.StartObject();
      json.Key("u");
      json.Uint(maker);
      json.Key("v");
      json.Uint(node);
      json.EndObject();
    }
  }
  json.EndArray();
  json.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

Result<std::string> untracked_files(WorkflowSession& session) {
  std::set<std::string> known;
  for (const workflow::NodeId node : session.dag().order()) {
    workflow::JobView view = workflow::view_of(session.dag(), session.rules(), node);
    for (auto* const files : {&view.input, &view.output, &view.log})
      known.insert(files->begin(), files->end());
    if (!view.benchmark.empty()) known.insert(view.benchmark);
  }
  std::vector<std::string> found;
  FURROW_TRY(add_untracked("", known, found));
  std::sort(found.begin(), found.end());
  std::string text;
  for (const std::string& path : found) text += path + "\n";
  return text;
}

int forget_records(WorkflowSession& session) {
  std::set<std::string> wanted;
  for (const std::string& name : session.options().cleanup_metadata)
    wanted.insert(name.starts_with("./") ? name.substr(2) : name);
  std::vector<std::string> keys;
  std::set<std::string> unknown = wanted;
  store::Store& store = *session.store();
  auto read = store.for_each([&](store::JobRow& row) {
    bool is_wanted = wanted.contains(std::string(row.key));
    unknown.erase(std::string(row.key));
    while (row.outputs.next()) {
      const std::string path(row.outputs.stamp().path);
      is_wanted |= wanted.contains(path);
      unknown.erase(path);
    }
    if (is_wanted) keys.emplace_back(row.key);
  });
  if (!read) return report_error(read.error());
  const auto forget = [&]() -> Result<void> {
    FURROW_TRY(store.begin());
    for (const std::string& key : keys) FURROW_TRY(store.erase(key));
    FURROW_TRY(store.commit());
    return store.close_cleanly();
  };
  if (auto done = forget(); !done) return report_error(done.error());
  if (unknown.empty()) return 0;
  return report_error(
      Error{"there is no record of " + join({unknown.begin(), unknown.end()}, ", "),
            {},
            0,
            "Give the files as the workflow names them; only what furrow run has made is recorded."});
}

}  // namespace furrow::cli

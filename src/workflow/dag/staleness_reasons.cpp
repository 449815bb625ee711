// The part of Staleness that says in words why jobs must run.
#include <algorithm>
#include <iterator>
#include <map>

#include "base/log.hpp"
#include "base/strings.hpp"
#include "workflow/dag/job_params.hpp"
#include "workflow/dag/staleness.hpp"

namespace furrow::workflow {

namespace {

std::vector<std::string> shown(std::vector<std::string> names) {
  if (names.size() > 5) {
    const std::size_t more = names.size() - 5;
    names.resize(5);
    names.push_back("and " + std::to_string(more) + " more");
  }
  return names;
}

}  // namespace

void Staleness::log_reasons(std::span<const NodeId> nodes) const {
  constexpr std::pair<Reason, const char*> kNames[] = {
      {kForced, "forced"},
      {kMissingOutput, "missing output"},
      {kNewerInput, "newer input"},
      {kUpstream, "an input is made again"},
      {kInputsChanged, "other inputs"},
      {kParamsChanged, "other params"},
      {kCodeChanged, "other code"},
      {kEnvironmentChanged, "other software environment"},
      {kIncomplete, "its last run failed or was interrupted"},
      {kNothingMade, "it makes no files"},
      {kParamsFail, "its params cannot be found out"},
      {kChangedInput, "changed input"},
      {kInDoubt, "what it made may not have reached the disk"},
      {kLostRecord, "its record may be lost"},
      {kOpenQueue, "more inputs may come from its queue"},
  };
  FURROW_LOG(workflow, info, "plan: {} of {} jobs must run", count(), dag_.order().size());
  for (const NodeId node : nodes) {
    std::vector<std::string> names;
    for (const auto& [reason, name] : kNames)
      if (reasons_[node] & reason) names.emplace_back(name);
    const CompiledRule& rule = rules_[dag_.node(node).rule];
    const std::string wildcards = show_wildcards(rule, dag_.values(node, rules_));
    const std::string job = rule.rule.name + (wildcards.empty() ? "" : " " + wildcards);
    if (!names.empty())
      FURROW_LOG(workflow, info, "{} must run: {}", job, join(names, ", "));
    else
      FURROW_LOG(workflow, debug, "{} is up to date", job);
  }
}

Result<std::vector<std::string>> Staleness::explain(NodeId node) {
  const Reasons reasons = reasons_[node];
  std::vector<std::string> lines;
  std::optional<store::JobRecord> record;
  if (store_) {
    auto found = FURROW_TRY(store_->find(record_key(dag_, rules_, node)));
    record = std::move(found);
  }
  if (reasons == 0) {
    lines.push_back(
        record
            ? "up to date: its outputs exist, and inputs, params and code are those of the last run"
            : "up to date by time: outputs are newer than inputs (there is no record of how they were made)");
    explain_unchanged(node, lines);
    return lines;
  }
  if (reasons & kForced) lines.push_back("it is forced by an option");
  if (reasons & kOpenQueue) lines.push_back("more inputs may come from its queue");
  if (reasons & kNothingMade) lines.push_back("it makes no files, so it runs whenever it is asked for");
  if (reasons & kParamsFail) explain_mistakes(node, lines);
  if (reasons & kIncomplete)
    lines.push_back("its last run failed or was interrupted, so what it left is not trusted");
  if (reasons & kInDoubt)
    lines.push_back(
        "a run was cut off, by a power cut for example, before it was certain that what it made is whole on "
        "the disk");
  if (reasons & kLostRecord)
    lines.push_back(
        "it has no record, and the store has lost some, so it is not known whether its files are whole");
  if (reasons & kMissingOutput) explain_missing(node, lines);
  if (reasons & (kNewerInput | kChangedInput)) explain_newer(node, record, lines);
  if (reasons & kUpstream) explain_upstream(node, lines);
  if (reasons & kInputsChanged) explain_inputs(node, record, lines);
  if ((reasons & kParamsChanged) && record) explain_params(node, *record, lines);
  if (reasons & kCodeChanged)
    lines.push_back("the code of rule " + rules_[dag_.node(node).rule].rule.name + " has changed");
  if (reasons & kEnvironmentChanged) explain_environment(node, record, lines);
  return lines;
}

void Staleness::explain_environment(NodeId node, const std::optional<store::JobRecord>& record,
                                    std::vector<std::string>& lines) {
  const std::string before = record ? record->environment : "";
  const std::string now = options_.environments == nullptr ? "" : options_.environments->of(node).shown;
  if (before.empty()) {
    lines.push_back("it was made without " + now);
  } else if (now.empty()) {
    lines.push_back("it was made in a software environment, " + before + ", which no option turns on now");
  } else {
    lines.push_back("it was made in another software environment, " + before + "; now it is " + now);
  }
}

void Staleness::explain_missing(NodeId node, std::vector<std::string>& lines) {
  std::vector<std::string> missing;
  for (const FileId file : dag_.outputs(node, rules_)) {
    if (!states_.exists(file)) missing.emplace_back(dag_.files.view(file));
  }
  lines.push_back("missing output: " + join(shown(missing), ", "));
}

void Staleness::explain_unchanged(NodeId node, std::vector<std::string>& lines) {
  std::vector<std::string> same;
  for (const FileId file : dag_.inputs(node)) {
    if (unchanged_.contains(file) && states_.mtime_ns(file) > output_time_[node])
      same.emplace_back(dag_.files.view(file));
  }
  if (!same.empty()) lines.push_back("newer, but unchanged: " + join(shown(same), ", "));
}

void Staleness::explain_newer(NodeId node, const std::optional<store::JobRecord>& record,
                              std::vector<std::string>& lines) {
  std::map<std::string_view, const store::FileStamp*> stamps;
  if (record) {
    for (const store::FileStamp& stamp : record->inputs) stamps[stamp.path] = &stamp;
  }
  std::set<std::string> newer, changed;
  const auto inputs = dag_.inputs(node);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (dag_.input_flags(node)[i] & kAncient) continue;
    const bool is_newer = states_.mtime_ns(inputs[i]) > output_time_[node];
    const std::string path(dag_.files.view(inputs[i]));
    const auto known = stamps.find(path);
    if (known == stamps.end()) {
      if (is_newer) newer.insert(path);
      continue;
    }
    const store::FileStamp& stamp = *known->second;
    if (has_changed({stamp.path, stamp.mtime_ns, stamp.size, stamp.content}, inputs[i], output_time_[node]))
      (is_newer ? newer : changed).insert(path);
  }
  if (!newer.empty()) lines.push_back("newer input: " + join(shown({newer.begin(), newer.end()}), ", "));
  if (!changed.empty())
    lines.push_back("changed input: " + join(shown({changed.begin(), changed.end()}), ", "));
}

void Staleness::explain_upstream(NodeId node, std::vector<std::string>& lines) {
  std::vector<std::string> made;
  for (const FileId file : dag_.inputs(node)) {
    const NodeId made_by = dag_.producer(file);
    if (made_by != kNoNode && must_run(made_by)) made.emplace_back(dag_.files.view(file));
  }
  if (!made.empty()) lines.push_back("input made again by this run: " + join(shown(made), ", "));
}

void Staleness::explain_mistakes(NodeId node, std::vector<std::string>& lines) {
  const std::size_t before = lines.size();
  for (const Param& param : answered_params(node)) {
    if (is_mistake(node, param))
      lines.push_back("a function of its params fails: " + (param.name.empty() ? "" : param.name + ": ") +
                      param.failure->error.message);
  }
  if (lines.size() == before)
    lines.emplace_back("a function of its params fails, so they cannot be compared");
}

void Staleness::explain_params(NodeId node, const store::JobRecord& record, std::vector<std::string>& lines) {
  const auto values = dag_.values(node, rules_);
  const JobParams now(rules_[dag_.node(node).rule], values, answered_params(node));
  for (std::string& line : now.changes_since(record)) lines.push_back(std::move(line));
}

void Staleness::explain_inputs(NodeId node, const std::optional<store::JobRecord>& record,
                               std::vector<std::string>& lines) {
  if (!record) return;
  std::set<std::string> before, now;
  for (const store::FileStamp& stamp : record->inputs) before.insert(stamp.path);
  for (const FileId file : dag_.inputs(node)) now.emplace(dag_.files.view(file));
  std::vector<std::string> added, gone;
  std::set_difference(now.begin(), now.end(), before.begin(), before.end(), std::back_inserter(added));
  std::set_difference(before.begin(), before.end(), now.begin(), now.end(), std::back_inserter(gone));
  if (!added.empty()) lines.push_back("new input: " + join(shown(added), ", "));
  if (!gone.empty()) lines.push_back("no longer an input: " + join(shown(gone), ", "));
}

}  // namespace furrow::workflow

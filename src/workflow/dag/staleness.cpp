#include "workflow/dag/staleness.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

#include "base/log.hpp"
#include "base/strings.hpp"
#include "workflow/dag/snakemake_markers.hpp"

namespace furrow::workflow {

namespace {

constexpr const char* kMarkers = ".snakemake/incomplete";
constexpr double kLastMoments_s = 60;  // a power cut may have lost files written this long before it

}  // namespace

Staleness::Staleness(const Dag& dag, const RuleSet& rules, FileStates& states, Evaluator& evaluator,
                     store::Store* store, StalenessOptions options)
    : dag_(dag),
      rules_(rules),
      states_(states),
      evaluator_(evaluator),
      store_(store),
      options_(std::move(options)) {}

std::size_t Staleness::count() const {
  return static_cast<std::size_t>(
      std::count_if(dag_.order().begin(), dag_.order().end(), [&](NodeId n) { return must_run(n); }));
}

std::span<const Staleness::Edge> Staleness::consumers(NodeId node) const {
  return {edges_.data() + edges_first_[node], edges_first_[node + 1] - edges_first_[node]};
}

Result<void> Staleness::decide() {
  reasons_.assign(dag_.size(), 0);
  is_target_.assign(dag_.size(), 0);
  active_.assign(dag_.size(), 0);
  target_file_.assign(dag_.files.size(), 0);
  for (const NodeId node : dag_.targets()) is_target_[node] = 1;
  for (const NodeId node : dag_.order()) active_[node] = 1;
  for (const FileId file : dag_.target_files()) target_file_[file] = 1;
  find_consumers();
  find_output_times();
  for (const NodeId node : dag_.order()) judge_alone(node);
  judge_by_times();
  find_marked();
  FURROW_TRY(judge_by_records());
  for (const NodeId node : marked_) reasons_[node] |= kIncomplete;
  spread();
  if (logging::is_on(logging::Topic::workflow, logging::Level::info)) log_reasons();
  return {};
}

void Staleness::find_consumers() {
  edges_first_.assign(dag_.size() + 1, 0);
  for (const NodeId node : dag_.order()) {
    for (const FileId file : dag_.inputs(node)) {
      if (const NodeId made_by = dag_.producer(file); made_by != kNoNode) ++edges_first_[made_by + 1];
    }
  }
  for (std::size_t i = 1; i < edges_first_.size(); ++i) edges_first_[i] += edges_first_[i - 1];
  edges_.resize(edges_first_.back());
  std::vector<std::uint32_t> next(edges_first_.begin(), edges_first_.end() - 1);
  for (const NodeId node : dag_.order()) {
    const auto inputs = dag_.inputs(node);
    const auto flags = dag_.input_flags(node);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const NodeId made_by = dag_.producer(inputs[i]);
      if (made_by != kNoNode) edges_[next[made_by]++] = {node, inputs[i], (flags[i] & kAncient) != 0};
    }
  }
}

void Staleness::find_output_times() {
  std::vector<FileId> files;
  for (const NodeId node : dag_.order()) {
    const auto outputs = dag_.outputs(node, rules_);
    files.insert(files.end(), outputs.begin(), outputs.end());
    const auto inputs = dag_.inputs(node);
    if (inputs.size() < 64) files.insert(files.end(), inputs.begin(), inputs.end());
  }
  states_.load(files);
  output_time_.assign(dag_.size(), 0);
  for (auto node = dag_.order().rbegin(); node != dag_.order().rend(); ++node) {
    std::int64_t oldest = std::numeric_limits<std::int64_t>::max();
    for (const FileId file : dag_.outputs(*node, rules_)) {
      if (states_.exists(file)) oldest = std::min(oldest, states_.own_mtime_ns(file));
    }
    // If no output exists (they may be temp files), the files made from them count instead.
    if (oldest == std::numeric_limits<std::int64_t>::max()) {
      for (const Edge& edge : consumers(*node)) {
        if (output_time_[edge.consumer] != 0) oldest = std::min(oldest, output_time_[edge.consumer]);
      }
    }
    if (oldest != std::numeric_limits<std::int64_t>::max()) output_time_[*node] = oldest;
  }
}

bool Staleness::is_requested(NodeId node, FileId output) const {
  if (target_file_[output]) return true;
  const auto edges = consumers(node);
  return std::any_of(edges.begin(), edges.end(), [&](const Edge& e) { return e.file == output; });
}

// The reasons that depend on neither times nor records.
void Staleness::judge_alone(NodeId node) {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  const auto outputs = dag_.outputs(node, rules_);
  if (options_.force_all || (options_.force_targets && is_target_[node]) ||
      options_.force_rules.contains(rule.rule.name) ||
      std::any_of(outputs.begin(), outputs.end(),
                  [&](FileId f) { return options_.force_files.contains(f); })) {
    reasons_[node] |= kForced;
  }
  if (!is_target_[node]) return;
  if (outputs.empty()) {
    const auto inputs = dag_.inputs(node);
    if (rule.rule.kind != RuleKind::kNone) {
      reasons_[node] |= kNothingMade;
    } else if (std::any_of(inputs.begin(), inputs.end(), [&](FileId f) { return !states_.exists(f); })) {
      reasons_[node] |= kUpstream;
    }
    return;
  }
  const bool wants_all =
      std::none_of(outputs.begin(), outputs.end(), [&](FileId f) { return target_file_[f]; });
  for (const FileId file : outputs) {
    if (!states_.exists(file) && (wants_all || is_requested(node, file))) reasons_[node] |= kMissingOutput;
  }
}

// ---- times

bool Staleness::has_newer_input(NodeId node) const {
  const std::int64_t time = output_time_[node];
  if (time == 0 || !options_.triggers.mtime) return false;
  const auto inputs = dag_.inputs(node);
  const auto flags = dag_.input_flags(node);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!(flags[i] & kAncient) && states_.mtime_ns(inputs[i]) > time) return true;
  }
  return false;
}

void Staleness::judge_by_times() {
  for (const NodeId node : dag_.order()) {
    if (reasons_[node] == 0 && has_newer_input(node)) reasons_[node] |= kNewerInput;
  }
}

// ---- records

// Jobs whose outputs a killed Snakemake has left half-written.
void Staleness::find_marked() {
  marked_.clear();
  if (options_.ignore_incomplete) return;
  for_each_marked_output(kMarkers, [&](const std::string& path) {
    const FileId file = dag_.files.find(path);
    const NodeId node = file == StringTable::kNone ? kNoNode : dag_.producer(file);
    if (node != kNoNode && active_[node] && states_.exists(file)) marked_.insert(node);
  });
}

// A marker stays when the file is made again by a run of ours: the record then describes the file as it is.
bool Staleness::describes_outputs(store::StampCursor outputs) {
  while (outputs.next()) {
    const store::StampView& stamp = outputs.stamp();
    const FileId file = dag_.files.find(stamp.path);
    if (file == StringTable::kNone || states_.mtime_ns(file) != stamp.mtime_ns ||
        states_.size(file) != stamp.size)
      return false;
  }
  return !outputs.is_damaged();
}

void Staleness::ask_param_functions(std::span<const NodeId> nodes) {
  std::vector<DetailQuestion> questions;
  for (const NodeId node : nodes) {
    questions.push_back({view_of(dag_, rules_, node), false, false, true});
    questions.back().job.is_preview = true;
  }
  const auto answers = evaluator_.details(questions);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    // A function may read a file that does not exist yet. Times decide then.
    if (!answers[i]) {
      reasons_[nodes[i]] |= kParamsFail;
    } else if (!answers[i]->is_unknown) {
      answered_params_[nodes[i]] = answers[i]->params;
    }
  }
}

Result<void> Staleness::judge_by_records() {
  if (!store_) return {};
  std::vector<NodeId> asked;
  for (const NodeId node : dag_.order()) {
    if (options_.triggers.params && (reasons_[node] & ~kNewerInput) == 0 && output_time_[node] != 0 &&
        rules_[dag_.node(node).rule].has_param_functions)
      asked.push_back(node);
  }
  for (std::size_t begin = 0; begin < asked.size(); begin += kEvaluatorBatch)
    ask_param_functions(std::span(asked).subspan(begin, std::min(kEvaluatorBatch, asked.size() - begin)));
  if (!store_->ended_cleanly()) {
    double last = 0;
    if (auto read = store_->for_each([&](store::JobRow& row) { last = std::max(last, row.finished_at); });
        !read)
      return read;
    unsafe_since_ = std::max(0.0, last - kLastMoments_s);
    FURROW_LOG(workflow, info, "the store was not closed cleanly: outputs of the last {} s are checked again",
               kLastMoments_s);
  }
  seen_.assign(dag_.files.size(), {});
  return store_->for_each([&](store::JobRow& row) {
    const FileId file = dag_.files.find(row.key);
    if (file == StringTable::kNone) return;
    const NodeId node = dag_.producer(file);
    if (node == kNoNode || !active_[node]) return;
    const auto outputs = dag_.outputs(node, rules_);
    if (!outputs.empty() && outputs.front() == file) judge_record(node, row);
  });
}

void Staleness::judge_record(NodeId node, store::JobRow& row) {
  // Such a record does not know the inputs yet.
  if (row.phase == store::JobPhase::kStarted && options_.ignore_incomplete) return;
  if (row.phase != store::JobPhase::kFinished) {
    reasons_[node] |= kIncomplete;  // it was due then and did not succeed, so it still is
    return;
  }
  if (marked_.contains(node) && describes_outputs(row.outputs)) marked_.erase(node);
  if (unsafe_since_ > 0 && row.finished_at >= unsafe_since_) {
    while (row.outputs.next()) {
      const store::StampView& stamp = row.outputs.stamp();
      const FileId file = dag_.files.find(stamp.path);
      if (file != StringTable::kNone && states_.exists(file) && !states_.is_directory(file) &&
          states_.size(file) < stamp.size)
        reasons_[node] |= kIncomplete;
    }
    if (row.outputs.is_damaged()) reasons_[node] |= kIncomplete;
  }
  if ((reasons_[node] & ~kNewerInput) != 0) return;
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  if (options_.triggers.code && row.code_hash != code_hashes_.of(rule)) reasons_[node] |= kCodeChanged;
  const auto answered = answered_params_.find(node);
  if (options_.triggers.params && (!rule.has_param_functions || answered != answered_params_.end())) {
    static const std::vector<Param> kNone;
    const auto& params = answered == answered_params_.end() ? kNone : answered->second;
    if (row.params_hash != params_hash(rule, dag_.values(node, rules_), params))
      reasons_[node] |= kParamsChanged;
  }
  judge_inputs(node, row);
}

void Staleness::judge_inputs(NodeId node, store::JobRow& row) {
  const auto inputs = dag_.inputs(node);
  const auto flags = dag_.input_flags(node);
  const std::uint32_t mark = node + 1;
  std::size_t distinct = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Seen& seen = seen_[inputs[i]];
    const bool is_new = seen.by != mark;
    distinct += is_new;
    seen = {mark, (is_new || seen.ancient) && (flags[i] & kAncient)};
  }
  bool same_set = distinct == row.inputs.size();
  bool newer = false;
  const std::int64_t time = output_time_[node];
  while (row.inputs.next()) {
    const store::StampView& stamp = row.inputs.stamp();
    const FileId file = dag_.files.find(stamp.path);
    if (file == StringTable::kNone || file >= seen_.size() || seen_[file].by != mark) {
      same_set = false;
      continue;
    }
    if (!(reasons_[node] & kNewerInput) || states_.mtime_ns(file) <= time) continue;
    if (seen_[file].ancient) continue;
    const bool is_same = same_content(stamp, file);
    newer |= !is_same;
    if (is_same) unchanged_.insert(file);
  }
  if (row.inputs.is_damaged()) same_set = false;
  if (options_.triggers.input && !same_set) reasons_[node] |= kInputsChanged;
  if (!newer && same_set) reasons_[node] = static_cast<Reasons>(reasons_[node] & ~kNewerInput);
}

bool Staleness::same_content(const store::StampView& stamp, FileId file) {
  if (stamp.mtime_ns == states_.mtime_ns(file) && stamp.size == states_.size(file)) return true;
  if (stamp.content == 0 || stamp.size != states_.size(file) || stamp.size > options_.hash_limit ||
      states_.is_directory(file))
    return false;
  const auto [place, is_new] = hashes_.try_emplace(file, 0);
  if (is_new) place->second = os::hash_file(std::string(dag_.files.view(file))).value_or(0);
  return place->second == stamp.content;
}

// ---- what follows

void Staleness::spread() {
  std::vector<NodeId> queue;
  for (const NodeId node : dag_.order()) {
    if (must_run(node)) queue.push_back(node);
  }
  const auto add = [&](NodeId node, Reason reason) {
    if (!must_run(node)) queue.push_back(node);
    reasons_[node] |= reason;
  };
  while (!queue.empty()) {
    const NodeId node = queue.back();
    queue.pop_back();
    for (const FileId file : dag_.inputs(node)) {
      const NodeId made_by = dag_.producer(file);
      if (made_by != kNoNode && !states_.exists(file)) add(made_by, kMissingOutput);
    }
    for (const Edge& edge : consumers(node)) {
      // An ancient input that exists triggers nothing; one that is only now made is new to its consumer.
      if (!edge.ancient || !states_.exists(edge.file)) add(edge.consumer, kUpstream);
    }
  }
}

// ---- why

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

void Staleness::log_reasons() const {
  constexpr std::pair<Reason, const char*> kNames[] = {
      {kForced, "forced"},
      {kMissingOutput, "missing output"},
      {kNewerInput, "newer input"},
      {kUpstream, "an input is made again"},
      {kInputsChanged, "other inputs"},
      {kParamsChanged, "other params"},
      {kCodeChanged, "other code"},
      {kIncomplete, "its last run failed or was interrupted"},
      {kNothingMade, "it makes no files"},
      {kParamsFail, "its params cannot be found out"},
  };
  FURROW_LOG(workflow, info, "plan: {} of {} jobs must run", count(), dag_.order().size());
  for (const NodeId node : dag_.order()) {
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
  if (reasons & kNothingMade) lines.push_back("it makes no files, so it runs whenever it is asked for");
  if (reasons & kParamsFail) lines.push_back("a function of its params fails, so they cannot be compared");
  if (reasons & kIncomplete)
    lines.push_back("its last run failed or was interrupted, so what it left is not trusted");
  if (reasons & kMissingOutput) explain_missing(node, lines);
  if (reasons & kNewerInput) explain_newer(node, lines);
  if (reasons & kUpstream) explain_upstream(node, lines);
  if (reasons & kInputsChanged) explain_inputs(node, record, lines);
  if (reasons & kParamsChanged) {
    const auto answered = answered_params_.find(node);
    const CompiledRule& rule = rules_[dag_.node(node).rule];
    lines.push_back("params were:  " + (record ? record->params : std::string()));
    lines.push_back("params are:   " + params_text(rule, dag_.values(node, rules_),
                                                   answered == answered_params_.end() ? std::vector<Param>{}
                                                                                      : answered->second));
  }
  if (reasons & kCodeChanged)
    lines.push_back("the code of rule " + rules_[dag_.node(node).rule].rule.name + " has changed");
  return lines;
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

void Staleness::explain_newer(NodeId node, std::vector<std::string>& lines) {
  std::vector<std::string> newer;
  const auto inputs = dag_.inputs(node);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!(dag_.input_flags(node)[i] & kAncient) && states_.mtime_ns(inputs[i]) > output_time_[node])
      newer.emplace_back(dag_.files.view(inputs[i]));
  }
  lines.push_back("newer input: " + join(shown(newer), ", "));
}

void Staleness::explain_upstream(NodeId node, std::vector<std::string>& lines) {
  std::vector<std::string> made;
  for (const FileId file : dag_.inputs(node)) {
    const NodeId made_by = dag_.producer(file);
    if (made_by != kNoNode && must_run(made_by)) made.emplace_back(dag_.files.view(file));
  }
  if (!made.empty()) lines.push_back("input made again by this run: " + join(shown(made), ", "));
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

#include "workflow/dag/staleness.hpp"

#include <algorithm>
#include <limits>

#include "base/log.hpp"
#include "workflow/dag/job_params.hpp"
#include "workflow/dag/snakemake_markers.hpp"

namespace furrow::workflow {

namespace {

constexpr const char* kMarkers = ".snakemake/incomplete";
// Of more jobs, the records are read in one go.
constexpr std::size_t kMostLookedUp = 2'000;

}  // namespace

Staleness::Staleness(const Dag& dag, const RuleSet& rules, FileStates& states, Evaluator& evaluator,
                     store::Store* store, StalenessOptions options)
    : dag_(dag),
      rules_(rules),
      states_(states),
      evaluator_(evaluator),
      store_(store),
      options_(std::move(options)),
      spread_(dag, states, consumers_, reasons_, own_) {}

std::size_t Staleness::count() const {
  return static_cast<std::size_t>(
      std::count_if(dag_.order().begin(), dag_.order().end(), [&](NodeId n) { return must_run(n); }));
}

Result<void> Staleness::decide() {
  reasons_.clear();
  is_target_.assign(dag_.size(), 0);
  target_file_.assign(dag_.files.size(), 0);
  make_room();
  for (const NodeId node : dag_.targets()) is_target_[node] = 1;
  for (const FileId file : dag_.target_files()) target_file_[file] = 1;
  consumers_.find(dag_);
  find_marks();
  FURROW_TRY(judge(dag_.order()));
  own_ = reasons_;
  spread_.all();
  if (logging::is_on(logging::Topic::workflow, logging::Level::info)) log_reasons(dag_.order());
  return {};
}

Result<void> Staleness::extend(const Extension& extension, const std::function<bool(NodeId)>& is_settled,
                               std::unordered_map<NodeId, bool>& was_due) {
  make_room();
  for (const NodeId node : extension.targets) is_target_[node] = 1;
  std::vector<NodeId> judged = extension.added;
  for (const Extension::Answered& answered : extension.answered) judged.push_back(answered.node);
  for (const NodeId node : judged) {
    was_due.try_emplace(node, must_run(node));
    reasons_[node] = 0;
    changed_while_running_.erase(node);
  }
  FURROW_TRY(judge(judged));
  for (const NodeId node : judged) own_[node] = reasons_[node];
  spread_.revise(extension, is_settled, was_due);
  if (logging::is_on(logging::Topic::workflow, logging::Level::info)) log_reasons(judged);
  return {};
}

void Staleness::withdraw(const std::vector<Extension::Answered>& jobs,
                         std::unordered_map<NodeId, bool>& was_due) {
  for (const Extension::Answered& job : jobs) {
    consumers_.remove(dag_, job.node, job.before);
    was_due.try_emplace(job.node, must_run(job.node));
    reasons_[job.node] = own_[job.node] = 0;
  }
}

// Everything by job or file grows with the graph.
void Staleness::make_room() {
  reasons_.resize(dag_.size(), 0);
  own_.resize(dag_.size(), 0);
  is_target_.resize(dag_.size(), 0);
  is_judged_.resize(dag_.size(), 0);
  target_file_.resize(dag_.files.size(), 0);
  output_time_.resize(dag_.size(), 0);
  has_record_.resize(dag_.size(), 0);
  seen_.resize(dag_.files.size());
}

// NODES come after those of them that they need, but for jobs that have answered, which come last.
Result<void> Staleness::judge(std::span<const NodeId> nodes) {
  find_output_times(nodes);
  for (const NodeId node : nodes) judge_alone(node);
  judge_by_times(nodes);
  find_marked(nodes);
  FURROW_TRY(judge_by_records(nodes));
  for (const NodeId node : marked_) reasons_[node] |= kIncomplete;
  return {};
}

void Staleness::find_output_times(std::span<const NodeId> nodes) {
  std::vector<FileId> files;
  for (const NodeId node : nodes) {
    const auto outputs = dag_.outputs(node, rules_);
    files.insert(files.end(), outputs.begin(), outputs.end());
    const auto inputs = dag_.inputs(node);
    if (inputs.size() < 64) files.insert(files.end(), inputs.begin(), inputs.end());
  }
  states_.load(files);
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    output_time_[*node] = 0;
    std::int64_t oldest = std::numeric_limits<std::int64_t>::max();
    for (const FileId file : dag_.outputs(*node, rules_)) {
      if (states_.exists(file)) oldest = std::min(oldest, states_.own_mtime_ns(file));
    }
    // If no output exists (they may be temp files), the files made from them count instead.
    if (oldest == std::numeric_limits<std::int64_t>::max()) {
      consumers_.for_each(*node, [&](const Consumers::Edge& edge) {
        if (output_time_[edge.consumer] != 0) oldest = std::min(oldest, output_time_[edge.consumer]);
      });
    }
    if (oldest != std::numeric_limits<std::int64_t>::max()) output_time_[*node] = oldest;
  }
}

bool Staleness::is_requested(NodeId node, FileId output) const {
  if (target_file_[output]) return true;
  return consumers_.any_of(node, [&](const Consumers::Edge& edge) { return edge.file == output; });
}

// The reasons that depend on neither times nor records.
void Staleness::judge_alone(NodeId node) {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  const auto outputs = dag_.outputs(node, rules_);
  if (options_.force_all || (options_.force_targets && is_target_[node]) ||
      (!options_.force_rules.empty() && options_.force_rules.contains(rule.rule.name)) ||
      (!options_.force_files.empty() && std::any_of(outputs.begin(), outputs.end(), [&](FileId f) {
        return options_.force_files.contains(f);
      }))) {
    reasons_[node] |= kForced;
  }
  if (!dag_.open_queues().empty() && dag_.open_queues().contains(node)) reasons_[node] |= kOpenQueue;
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

void Staleness::judge_by_times(std::span<const NodeId> nodes) {
  for (const NodeId node : nodes) {
    if (reasons_[node] == 0 && has_newer_input(node)) reasons_[node] |= kNewerInput;
  }
}

// ---- records

// Jobs whose outputs a killed Snakemake has left half-written.
void Staleness::find_marks() {
  marks_.clear();
  marked_.clear();
  if (!options_.ignore_incomplete)
    for_each_marked_output(kMarkers, [&](const std::string& path) { marks_.insert(path); });
}

void Staleness::find_marked(std::span<const NodeId> nodes) {
  if (marks_.empty()) return;
  for (const NodeId node : nodes) {
    for (const FileId file : dag_.outputs(node, rules_)) {
      if (marks_.contains(std::string(dag_.files.view(file))) && states_.exists(file)) marked_.insert(node);
    }
  }
}

// A marker stays when the file is made again by a run of ours: the record then describes the file as it is.
bool Staleness::describes_outputs(store::StampCursor outputs) {
  while (outputs.next()) {
    const store::StampView& stamp = outputs.stamp();
    const FileId file = dag_.files.find(stamp.path);
    if (file == StringTable::kNone || !store::is_same_time(stamp.mtime_ns, states_.mtime_ns(file)) ||
        states_.size(file) != stamp.size)
      return false;
  }
  return !outputs.is_damaged();
}

void Staleness::ask_param_functions(std::span<const NodeId> nodes) {
  std::vector<DetailQuestion> questions;
  for (const NodeId node : nodes) {
    questions.push_back({.job = view_of(dag_, rules_, node), .params = true});
    questions.back().job.is_ahead = true;
  }
  const auto answers = evaluator_.details(questions);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!answers[i]) {
      reasons_[nodes[i]] |= kParamsFail;
      continue;
    }
    const std::vector<Param>& params = answers[i]->params;
    if (std::any_of(params.begin(), params.end(), [&](const Param& p) { return is_mistake(nodes[i], p); }))
      reasons_[nodes[i]] |= kParamsFail;
    answered_params_[nodes[i]] = params;
  }
}

// A function that fails now may read a file that does not exist yet. Otherwise the job is due, and its run
// reports the error.
bool Staleness::is_mistake(NodeId node, const Param& param) const {
  if (!param.failure || param.failure->misses_file || param.stands_for >= 0) return false;
  const auto inputs = dag_.inputs(node);
  return std::all_of(inputs.begin(), inputs.end(), [&](FileId f) { return states_.exists(f); });
}

bool Staleness::have_params_changed(NodeId node, const store::JobRow& row) const {
  const auto values = dag_.values(node, rules_);
  return !JobParams(rules_[dag_.node(node).rule], values, answered_params(node)).same_as(row);
}

// A function that cannot answer yet needs a file that is to be made, and then its job is due anyway. Otherwise the job
// is due, and its run reports the error.
bool Staleness::has_environment_changed(NodeId node, const store::JobRow& row) const {
  if (options_.environments == nullptr) return !row.environment.empty();
  if (dag_.is_unanswered(node)) return false;
  if (!options_.environments->is_known(node)) {
    const auto inputs = dag_.inputs(node);
    return std::all_of(inputs.begin(), inputs.end(), [&](FileId f) { return states_.exists(f); });
  }
  return row.environment != options_.environments->identity(node);
}

// Empty if the rule's params have no functions, or there was no answer.
const std::vector<Param>& Staleness::answered_params(NodeId node) const {
  static const std::vector<Param> kNone;
  const auto answered = answered_params_.find(node);
  return answered == answered_params_.end() ? kNone : answered->second;
}

Result<void> Staleness::judge_by_records(std::span<const NodeId> nodes) {
  if (!store_) return {};
  std::vector<NodeId> asked;
  for (const NodeId node : nodes) {
    if (options_.triggers.params && (reasons_[node] & ~kNewerInput) == 0 && output_time_[node] != 0 &&
        rules_[dag_.node(node).rule].has_param_functions && !dag_.is_unanswered(node))
      asked.push_back(node);
  }
  for (std::size_t begin = 0; begin < asked.size(); begin += kEvaluatorBatch)
    ask_param_functions(std::span(asked).subspan(begin, std::min(kEvaluatorBatch, asked.size() - begin)));
  if (options_.environments != nullptr && options_.triggers.environment) options_.environments->ask(nodes);
  FURROW_TRY(read_records(nodes));
  judge_without_records(nodes);
  return {};
}

Result<void> Staleness::read_records(std::span<const NodeId> nodes) {
  for (const NodeId node : nodes) is_judged_[node] = 1;
  const auto read = [&](store::JobRow& row) {
    const FileId file = dag_.files.find(row.key);
    if (file == StringTable::kNone) return;
    const NodeId node = dag_.producer(file);
    if (node == kNoNode || !is_judged_[node]) return;
    const auto outputs = dag_.outputs(node, rules_);
    if (!outputs.empty() && outputs.front() == file && !row.is_damaged) judge_record(node, row);
  };
  Result<void> done{};
  if (nodes.size() == dag_.order().size() || nodes.size() >= kMostLookedUp) {
    done = store_->for_each(read);
  } else {
    for (const NodeId node : nodes) {
      if (done && rules_[dag_.node(node).rule].has_products())
        done = store_->look_up(record_key(dag_, rules_, node), read);
    }
  }
  for (const NodeId node : nodes) is_judged_[node] = 0;
  return done;
}

// Jobs that a run meant to start, or whose records are lost: their files say nothing.
void Staleness::judge_without_records(std::span<const NodeId> nodes) {
  const bool is_lost = store_->has_lost_records();
  if ((!is_lost && !store_->has_doubts() && !store_->has_killed_run()) || options_.ignore_incomplete) return;
  for (const NodeId node : nodes) {
    if (has_record_[node] || reasons_[node] != 0 || !rules_[dag_.node(node).rule].has_products()) continue;
    const std::string key = record_key(dag_, rules_, node);
    if (store_->is_in_doubt(key, 0) || store_->was_expected(key)) {
      reasons_[node] |= kInDoubt;
    } else if (is_lost) {
      ++without_record_;
      reasons_[node] |= kLostRecord;
    }
  }
}

// Whether they are what the record says, by their content; or, if they were on the disk with it, by time and size.
bool Staleness::are_outputs_safe(store::StampCursor outputs, bool was_durable) {
  while (outputs.next()) {
    const store::StampView& stamp = outputs.stamp();
    const FileId file = dag_.files.find(stamp.path);
    if (file == StringTable::kNone || !states_.exists(file)) continue;  // a missing file is another reason
    const bool is_same_size = states_.is_directory(file) || states_.size(file) == stamp.size;
    if (was_durable && is_same_size && store::is_same_time(stamp.mtime_ns, states_.mtime_ns(file))) continue;
    const bool is_empty = is_same_size && stamp.size == 0 && !states_.is_directory(file);
    if (!is_empty && !same_content(stamp, file)) return false;
  }
  return !outputs.is_damaged();
}

void Staleness::judge_record(NodeId node, store::JobRow& row) {
  has_record_[node] = 1;
  // Such a record does not know the inputs yet.
  if (row.phase == store::JobPhase::kStarted && options_.ignore_incomplete) return;
  if (row.phase != store::JobPhase::kFinished) {
    reasons_[node] |= kIncomplete;  // it was due then and did not succeed, so it still is
    return;
  }
  if (marked_.contains(node) && describes_outputs(row.outputs)) marked_.erase(node);
  if (store_->is_in_doubt(row.key, row.commit) && !options_.ignore_incomplete) {
    if (!are_outputs_safe(row.outputs, store_->was_durable(row.commit))) {
      reasons_[node] |= kInDoubt;
      return;
    }
    store_->trust(row.key);
  } else if (store_->was_expected(row.key) && !options_.ignore_incomplete &&
             !are_outputs_safe(row.outputs, true)) {
    reasons_[node] |= kInDoubt;  // a killed run may have begun it, and the record of that may be lost
    return;
  }
  if ((reasons_[node] & ~kNewerInput) != 0) return;
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  const bool is_answered =
      !dag_.is_unanswered(node);  // else its inputs, and what follows from them, are not known
  if (options_.triggers.code && row.code_hash != code_hashes_.of(rule)) reasons_[node] |= kCodeChanged;
  if (options_.triggers.environment && has_environment_changed(node, row))
    reasons_[node] |= kEnvironmentChanged;
  if (options_.triggers.params && (is_answered || !rule.has_param_functions) &&
      have_params_changed(node, row))
    reasons_[node] |= kParamsChanged;
  if (is_answered) judge_inputs(node, row);
}

void Staleness::judge_inputs(NodeId node, store::JobRow& row) {
  const auto inputs = dag_.inputs(node);
  const auto flags = dag_.input_flags(node);
  const std::uint32_t mark = ++last_mark_;
  std::size_t distinct = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Seen& seen = seen_[inputs[i]];
    const bool is_new = seen.by != mark;
    distinct += is_new;
    seen = {mark, (is_new || seen.ancient) && (flags[i] & kAncient)};
  }
  bool same_set = distinct == row.inputs.size();
  bool changed = false;
  const bool may_change = options_.triggers.mtime && output_time_[node] != 0;
  while (row.inputs.next()) {
    const store::StampView& stamp = row.inputs.stamp();
    const FileId file = dag_.files.find(stamp.path);
    if (file == StringTable::kNone || file >= seen_.size() || seen_[file].by != mark) {
      same_set = false;
      continue;
    }
    if (!may_change || seen_[file].ancient) continue;
    if (!has_changed(stamp, file, output_time_[node])) {
      if (states_.mtime_ns(file) > output_time_[node]) unchanged_.insert(file);
      continue;
    }
    changed = true;
    if (changed_before_end(node, file, row)) changed_while_running_[node].push_back(file);
  }
  if (row.inputs.is_damaged()) same_set = false;
  if (options_.triggers.input && !same_set) reasons_[node] |= kInputsChanged;
  if (changed && !(reasons_[node] & kNewerInput)) reasons_[node] |= kChangedInput;
  if (!changed && same_set) reasons_[node] = static_cast<Reasons>(reasons_[node] & ~kNewerInput);
}

// Whether all that a file says is its time.
bool Staleness::is_flag(FileId file) const {
  return !states_.is_directory(file) &&
         (states_.size(file) == 0 || (dag_.output_flags(file, rules_) & kTouch) != 0);
}

bool Staleness::has_changed(const store::StampView& stamp, FileId file, std::int64_t output_time) {
  if (!states_.exists(file)) return false;  // a temp file; a missing one that is needed is another reason
  const std::int64_t time = states_.mtime_ns(file);
  // The engine did not see it: it came and went on a node of a cluster.
  if (stamp.mtime_ns == 0 && stamp.size == 0) return time > output_time;
  const bool is_same_size = states_.is_directory(file) || stamp.size == states_.size(file);
  if (is_same_size && store::is_same_time(stamp.mtime_ns, time)) return false;
  return is_flag(file) || !same_content(stamp, file);
}

// Whether FILE, which has changed, did so while its job ran.
bool Staleness::changed_before_end(NodeId node, FileId file, const store::JobRow& row) const {
  auto end = static_cast<std::int64_t>(row.finished_at * 1e9);
  for (const FileId output : dag_.outputs(node, rules_)) end = std::max(end, states_.own_mtime_ns(output));
  return states_.mtime_ns(file) <= end;
}

bool Staleness::same_content(const store::StampView& stamp, FileId file) {
  if (stamp.content == 0 || stamp.size != states_.size(file) || stamp.size > options_.hash_limit ||
      states_.is_directory(file))
    return false;
  const auto [place, is_new] = hashes_.try_emplace(file, 0);
  if (is_new) place->second = os::hash_file(std::string(dag_.files.view(file))).value_or(0);
  return place->second == stamp.content;
}

}  // namespace furrow::workflow

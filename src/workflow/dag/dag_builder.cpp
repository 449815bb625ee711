#include "workflow/dag/dag_builder.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/strings.hpp"

namespace furrow::workflow {

namespace {

constexpr std::uint32_t kSuspiciousDepth = 20;  // deeper than this, wildcards are checked for repetition
constexpr std::uint32_t kMaxDepth = 2'000'000;
constexpr std::size_t kRepeats = 20;
constexpr std::size_t kMaxName = 4096;  // PATH_MAX: no file has a longer one

// Whether TEXT ends with the same string kRepeats times, as it does when a rule matches its own input.
bool repeats_itself(std::string_view text) {
  for (std::size_t period = 1; period * kRepeats <= text.size(); ++period) {
    const std::string_view tail = text.substr(text.size() - period * kRepeats);
    if (std::equal(tail.begin() + static_cast<std::ptrdiff_t>(period), tail.end(), tail.begin())) return true;
  }
  return false;
}

// The file by which a job can be found again; null if the rule makes no files.
const Template* first_product(const CompiledRule& rule) {
  for (const auto* products : {&rule.outputs, &rule.logs, &rule.benchmarks}) {
    if (!products->empty()) return &products->front();
  }
  return nullptr;
}

// Written as names in the workflow are: no leading "./", no doubled slashes, no slash at the end.
std::string normal_target(const std::string& name) {
  std::string normal = std::filesystem::path(name).lexically_normal().native();
  while (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

}  // namespace

DagBuilder::DagBuilder(Dag& dag, const RuleSet& rules, Evaluator& evaluator, FileStates& states)
    : dag_(dag), rules_(rules), evaluator_(evaluator), states_(states), index_(rules) {}

Result<void> DagBuilder::build(const Targets& targets) {
  batch_ = targets.batch;
  for (const std::string& name : targets.names) {
    FURROW_TRY(add_target(name));
  }
  allow_ambiguity_ = targets.allow_ambiguity;
  FURROW_TRY(expand_and_choose([&] {
    assume_remote();
    selection_ =
        std::make_unique<DagSelection>(dag_, rules_, index_, states_, looked_up_, choices_, named_, failed_);
    selection_->find_feasible();
    return selection_->stuck();
  }));
  FURROW_TRY(selection_->select(allow_ambiguity_));
  return check_strictly(targets.strict, *selection_);
}

// CHOOSE says which files have no feasible job although there are more candidates.
Result<void> DagBuilder::expand_and_choose(const std::function<std::vector<FileId>()>& choose) {
  for (;;) {
    FURROW_TRY(expand());
    const std::vector<FileId> stuck = choose();
    if (stuck.empty()) return {};
    for (const FileId file : stuck) {
      FURROW_TRY(try_next(file));
    }
  }
}

Result<void> DagBuilder::check_strictly(const StrictEvaluation& strict, const DagSelection& selection) const {
  if (strict.periodic_wildcards && endless_) return fail(*endless_);
  if (strict.functions && !failed_.empty()) {
    const auto is_earlier = [](const auto& a, const auto& b) { return a.first < b.first; };
    return fail(std::min_element(failed_.begin(), failed_.end(), is_earlier)->second);
  }
  if (strict.cycles) {
    if (auto cycle = selection.any_cycle()) return fail(*std::move(cycle));
  }
  return {};
}

void DagBuilder::assume_remote() {
  for (const FileId file : remote_) {
    if (dag_.producer(file) == kNoNode) states_.assume(file);
  }
}

Result<void> DagBuilder::check_shared_outputs() {
  return allow_ambiguity_ ? Result<void>{} : selection_->check_shared_outputs();
}

void DagBuilder::sort() { selection_->sort(); }

void DagBuilder::forget(std::span<const NodeId> nodes) { selection_->forget(nodes); }

inline void DagBuilder::need(FileId file, NodeId by) {
  if (file >= searched_.size()) {
    searched_.resize(std::max<std::size_t>(dag_.files.size(), searched_.size() * 2), 0);
    needed_by_.resize(searched_.size(), kNoNode);
  }
  if (searched_[file]) return;
  searched_[file] = 1;
  needed_by_[file] = by;
  needed_.push_back(file);
}

void DagBuilder::add_input(FileId file, FileFlags flags) {
  if (flags & kBeforeUpdate) file = dag_.files.intern(name_before_update(dag_.files.view(file)));
  dag_.inputs_.push_back(file);
  dag_.input_flags_.push_back(flags);
  if (flags & kRemote) remote_.push_back(file);
}

Result<void> DagBuilder::add_target(const std::string& name) {
  const CompiledRule* const rule = rules_.find(name);
  if (!rule) {
    const FileId file = dag_.files.intern(normal_target(name));
    dag_.target_files_.push_back(file);
    need(file);
    return {};
  }
  if (!rule->wildcards.empty())
    return fail(
        rule_error(rule->rule, "rule " + name + " has wildcards and cannot be a target",
                   "Name the files you want, or put a rule without wildcards first in the Snakefile."));
  if (rule->mistake) return fail(*rule->mistake);
  const Template* const product = first_product(*rule);
  const FileId file = product ? dag_.files.intern(product->filled({})) : StringTable::kNone;
  NodeId job = product ? existing_job(file, rule->id, {}) : target_of(rule->id);
  if (job == kNoNode) {
    job = static_cast<NodeId>(dag_.size());
    make_job(file, rule->id, {});
  }
  dag_.targets_.push_back(job);
  return {};
}

NodeId DagBuilder::target_of(RuleId rule) const {
  const auto found = std::find_if(dag_.targets_.begin(), dag_.targets_.end(),
                                  [&](NodeId n) { return dag_.node(n).rule == rule; });
  return found == dag_.targets_.end() ? kNoNode : *found;
}

Result<void> DagBuilder::expand() {
  std::vector<FileId> wave;
  while (!needed_.empty() || !waiting_.empty() || make_named()) {
    while (!needed_.empty()) {
      wave.swap(needed_);
      needed_.clear();
      ++current_depth_;
      for (const FileId file : wave) search(file);
    }
    if (current_depth_ > kMaxDepth)
      return fail("the workflow is more than " + std::to_string(kMaxDepth) +
                  " jobs deep: does an input function keep asking for new files?");
    answer_functions();
  }
  return {};
}

void DagBuilder::search(FileId file) {
  looked_up_.push_back(file);
  index_.find(dag_.files.view(file), candidates_);
  for (Candidate& candidate : candidates_) take_names(file, candidate);
  if (!candidates_.empty()) try_best(file, candidates_);
}

void DagBuilder::take_names(FileId file, Candidate& candidate) const {
  const CompiledRule& rule = rules_[candidate.rule];
  if (rule.wildcards.size() < 2 || needed_by_[file] == kNoNode) return;  // one wildcard fits in one way only
  const CompiledRule& user = rules_[dag_.node(needed_by_[file]).rule];
  const auto known = dag_.values(needed_by_[file], rules_);
  std::vector<std::string_view> values;
  for (const std::string& name : rule.wildcards) {
    const auto place = std::find(user.wildcards.begin(), user.wildcards.end(), name);
    if (place == user.wildcards.end()) return;
    values.push_back(known[static_cast<std::size_t>(place - user.wildcards.begin())]);
  }
  if (values == candidate.values) return;
  for (const auto* products : {&rule.outputs, &rule.logs, &rule.benchmarks}) {
    for (const Template& product : *products) {
      if (product.filled(values) != dag_.files.view(file) || !product.allows(values)) continue;
      candidate.values = values;
      return;
    }
  }
}

void DagBuilder::try_best(FileId file, std::vector<Candidate>& candidates) {
  if (candidates.size() == 1) {
    make_job(file, candidates.front().rule, candidates.front().values);
    return;
  }
  const auto best = best_of(candidates, rules_, [](const Candidate& c) { return c.rule; });
  for (const Candidate& candidate : candidates) {
    const bool is_best =
        std::any_of(best.begin(), best.end(), [&](const Candidate& b) { return b.rule == candidate.rule; });
    if (is_best) {
      make_job(file, candidate.rule, candidate.values);
    } else {
      choices_[file].untried.emplace_back(
          candidate.rule, std::vector<std::string>(candidate.values.begin(), candidate.values.end()));
    }
  }
}

Result<void> DagBuilder::try_next(FileId file) {
  const auto untried = std::move(choices_[file].untried);
  choices_[file].untried.clear();
  std::vector<Candidate> candidates;
  for (const auto& [rule, values] : untried) candidates.push_back({rule, {values.begin(), values.end()}});
  try_best(file, candidates);
  return {};
}

NodeId DagBuilder::existing_job(FileId file, RuleId rule, Values values) const {
  const auto is_same = [&](NodeId node) {
    if (node == kNoNode || dag_.node(node).rule != rule) return false;
    const auto own = dag_.values(node, rules_);
    return std::equal(own.begin(), own.end(), values.begin(), values.end());
  };
  if (const auto choice = choices_.find(file); choice != choices_.end()) {
    const auto found = std::find_if(choice->second.made.begin(), choice->second.made.end(), is_same);
    if (found != choice->second.made.end()) return *found;
  }
  const NodeId node = dag_.producer(file);
  return is_same(node) ? node : kNoNode;
}

// The job that writes a log may already exist because of another of its files. Only outputs are all
// registered.
NodeId DagBuilder::job_of_log(const CompiledRule& rule, Values values) {
  if (rule.logs.empty() && rule.benchmarks.empty()) return kNoNode;
  scratch_.clear();
  first_product(rule)->fill(values, scratch_);
  const FileId product = dag_.files.find(scratch_);
  return product == StringTable::kNone ? kNoNode : existing_job(product, rule.id, values);
}

bool DagBuilder::is_endless(const CompiledRule& rule, Values values) const {
  if (std::any_of(values.begin(), values.end(), [](std::string_view v) { return v.size() > kMaxName; }))
    return true;
  return current_depth_ > kSuspiciousDepth && !rule.wildcards.empty() &&
         std::any_of(values.begin(), values.end(), repeats_itself);
}

// FILE is what the job is needed for; kNone for a rule that was named as a target and makes no files.
void DagBuilder::make_job(FileId file, RuleId rule_id, Values values) {
  const CompiledRule& rule = rules_[rule_id];
  if (rule.mistake) {
    choices_[file].errors.push_back(*rule.mistake);
    return;
  }
  if (is_endless(rule, values)) {
    Error error =
        rule_error(rule.rule,
                   "rule " + rule.rule.name + " would be needed forever: its wildcards grow without end (" +
                       show_wildcards(rule, values).substr(0, 120) + ")",
                   "Constrain the wildcards of its output so that they do not match its input.");
    if (!endless_) endless_ = error;
    choices_[file].errors.push_back(std::move(error));
    return;
  }
  if (file != StringTable::kNone && existing_job(file, rule_id, values) != kNoNode) return;
  if (const NodeId known = job_of_log(rule, values); known != kNoNode) return register_product(file, known);
  const NodeId node = static_cast<NodeId>(dag_.nodes_.size());
  dag_.nodes_.push_back({rule_id, static_cast<std::uint32_t>(dag_.values_.size()), 0, 0,
                         static_cast<std::uint32_t>(dag_.outputs_.size())});
  for (const std::string_view value : values) dag_.values_.push_back(dag_.values_text_.intern(value));
  for (const Template& output : rule.outputs) {
    scratch_.clear();
    output.fill(values, scratch_);
    const FileId made = dag_.files.intern(scratch_);
    dag_.outputs_.push_back(made);
    if (output.flags & kPassing) states_.ignore(made);
    register_product(made, node);
  }
  if (file != StringTable::kNone) register_product(file, node);  // it may be a log or a benchmark
  if (rule.outputs.empty() && first_product(rule))
    register_product(dag_.files.intern(first_product(rule)->filled(values)), node);
  if (rule.has_input_functions) {
    waiting_.push_back(node);
  } else {
    add_static_inputs(node);
  }
}

void DagBuilder::register_product(FileId file, NodeId node) {
  if (file >= dag_.producer_.size())
    dag_.producer_.resize(std::max(dag_.files.size(), dag_.producer_.size() * 2), kNoNode);
  NodeId& producer = dag_.producer_[file];
  if (producer == kNoNode) {
    producer = node;
  } else if (producer != node) {
    auto& made = choices_[file].made;
    if (made.empty()) made.push_back(producer);
    if (std::find(made.begin(), made.end(), node) == made.end()) made.push_back(node);
  }
}

// Makes the jobs of the rules that inputs name as their producers.
bool DagBuilder::make_named() {
  for (const auto& [file, rule] : named_.settle(dag_, rules_, choices_)) {
    auto& untried = choices_[file].untried;
    const auto found =
        std::find_if(untried.begin(), untried.end(), [id = rule](const auto& u) { return u.first == id; });
    if (found == untried.end()) continue;  // another job has named it, too
    const std::vector<std::string> values = std::move(found->second);
    untried.erase(found);
    make_job(file, rule, std::vector<std::string_view>(values.begin(), values.end()));
  }
  return !needed_.empty() || !waiting_.empty();
}

void DagBuilder::add_item(NodeId node, const CompiledRule& rule, Values values, const InputItem& item) {
  FileId file = item.index;
  if (!item.is_file) {
    scratch_.clear();
    rule.input_templates[item.index].fill(values, scratch_);
    file = dag_.files.intern(scratch_);
  }
  add_input(file, item.flags);
  if (item.made_by != kNoRule) named_.add(node, file, item.made_by, false);
}

void DagBuilder::add_static_inputs(NodeId node) {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  const auto first = static_cast<std::uint32_t>(dag_.inputs_.size());
  const auto values = dag_.values(node, rules_);
  for (const InputItem& item : rule.input_items) add_item(node, rule, values, item);
  finish_inputs(node, first);
}

void DagBuilder::finish_inputs(NodeId node, std::uint32_t first) {
  dag_.nodes_[node].first_input = first;
  dag_.nodes_[node].input_count = static_cast<std::uint32_t>(dag_.inputs_.size()) - first;
  if (batch_ && batch_->rule == dag_.node(node).rule) return need_batch(node);
  const std::size_t end = dag_.inputs_.size();
  for (std::size_t i = first; i < end; ++i) {
    dag_.input_flags_[i] & kBeforeUpdate ? need_before_update(dag_.inputs_[i], node)
                                         : need(dag_.inputs_[i], node);
  }
}

// Needs a file without searching for a rule that makes it.
void DagBuilder::need_as_it_is(FileId file, NodeId by) {
  const std::size_t before = needed_.size();
  need(file, by);
  if (needed_.size() == before) return;
  needed_.pop_back();
  looked_up_.push_back(file);
}

// Of the inputs of a job, in the order of their names, only those of the batch are made. The rest must be there for
// the last batch; the others end before the job.
void DagBuilder::need_batch(NodeId node) {
  std::vector<FileId> files(dag_.inputs(node).begin(), dag_.inputs(node).end());
  const auto by_name = [&](FileId a, FileId b) { return dag_.files.view(a) < dag_.files.view(b); };
  std::sort(files.begin(), files.end(), by_name);
  files.erase(std::unique(files.begin(), files.end()), files.end());
  const Rule& rule = rules_[dag_.node(node).rule].rule;
  if (files.size() < batch_->count) {
    failed_.emplace(node, rule_error(rule,
                                     "rule " + rule.name + " has " + count_of(files.size(), "input") +
                                         ", which cannot be divided into " + count_of(batch_->count, "part"),
                                     "Give --batch a smaller number."));
    return;
  }
  const std::size_t each = files.size() / batch_->count, more = files.size() % batch_->count;
  const auto begin_of = [&](std::size_t index) { return index * each + std::min(index, more); };
  const std::size_t begin = begin_of(batch_->index - 1), end = begin_of(batch_->index);
  const bool is_last = batch_->index == batch_->count;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i >= begin && i < end) {
      need(files[i], node);
    } else if (is_last) {
      need_as_it_is(files[i], node);
      if (!states_.exists(files[i]))
        failed_.emplace(node, rule_error(rule,
                                         std::string(dag_.files.view(files[i])) + ", an input of rule " +
                                             rule.name + ", belongs to an earlier batch and is not there",
                                         "Run the other batches first."));
    }
  }
  if (is_last) return;
  Dag::Node& made = dag_.nodes_[node];
  std::copy(files.begin() + static_cast<std::ptrdiff_t>(begin),
            files.begin() + static_cast<std::ptrdiff_t>(end), dag_.inputs_.begin() + made.first_input);
  made.input_count = static_cast<std::uint32_t>(end - begin);
}

void DagBuilder::need_before_update(FileId file, NodeId by) {
  need_as_it_is(file, by);
  const std::string plain(plain_name(dag_.files.view(file), kBeforeUpdate));
  dag_.early_readers_.push_back({by, dag_.files.intern(plain)});
}

}  // namespace furrow::workflow

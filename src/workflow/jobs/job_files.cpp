#include "workflow/jobs/job_files.hpp"

#include <strings.h>

#include <algorithm>
#include <map>

extern "C" {
#include <md5.h>
#include <sha1.h>
#include <sha256.h>
}

#include "base/printable.hpp"
#include "base/strings.hpp"
#include "os/events/clock.hpp"
#include "os/files/look_again.hpp"
#include "os/files/named_pipe.hpp"

namespace furrow::workflow {

namespace {

// The hexadecimal checksum of a file's content by one of libmd's functions; empty if it cannot be read.
template <class Function>
std::string sum_of(const std::string& path, Function function) {
  char text[SHA256_DIGEST_STRING_LENGTH];
  return function(path.c_str(), text) ? std::string(text) : std::string();
}

}  // namespace

JobFiles::JobFiles(const Dag& dag, const RuleSet& rules, FileStates& states, FileOptions options)
    : dag_(dag),
      rules_(rules),
      states_(states),
      options_(options),
      removal_(dag, rules, states, options_.shadows),
      updated_(dag, rules) {
  // A file named as a target is kept, and so are the other outputs of its job.
  for (const FileId target : dag.target_files()) {
    is_target_[target] = 1;
    if (dag.producer(target) == kNoNode) continue;
    for (const FileId file : dag.outputs(dag.producer(target), rules)) is_target_[file] = 1;
  }
  for (const NodeId node : dag.targets()) add_targets(node);
}

// `rule all` asks for files by having them as inputs.
void JobFiles::add_targets(NodeId node) {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  if (rule.rule.kind != RuleKind::kNone || rule.has_products() || dag_.is_unanswered(node)) return;
  for (const FileId file : dag_.inputs(node)) is_target_[file] = 1;
}

const Template& JobFiles::template_of(FileId file) const {
  const NodeId node = dag_.producer(file);
  const auto outputs = dag_.outputs(node, rules_);
  const auto place = std::find(outputs.begin(), outputs.end(), file);
  return rules_[dag_.node(node).rule].outputs[static_cast<std::size_t>(place - outputs.begin())];
}

void JobFiles::expect(const std::function<bool(NodeId)>& must_run) {
  removal_.expect(must_run);
  count_temp_users(must_run);
  if (!keeps_temp_files_) release_unused();
}

void JobFiles::count_temp_users(const std::function<bool(NodeId)>& must_run) {
  if (options_.keep_temp) return;
  std::vector<char> has_temp(rules_.size(), 0);
  for (RuleId id = 0; id < rules_.size(); ++id) {
    const auto& outputs = rules_[id].outputs;
    has_temp[id] =
        std::any_of(outputs.begin(), outputs.end(), [](const Template& t) { return (t.flags & kTemp) != 0; });
  }
  if (std::find(has_temp.begin(), has_temp.end(), 1) == has_temp.end()) return;
  for (const NodeId node : dag_.order()) {
    if (has_temp[dag_.node(node).rule]) find_temp_outputs(node);
    if (!must_run(node)) continue;
    for (const FileId file : dag_.inputs(node)) {
      const NodeId made_by = dag_.producer(file);
      if (made_by != kNoNode && has_temp[dag_.node(made_by).rule] && is_temp_output(file)) ++users_[file];
    }
  }
}

void JobFiles::find_temp_outputs(NodeId node) {
  const auto outputs = dag_.outputs(node, rules_);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!(rules_[dag_.node(node).rule].outputs[i].flags & kTemp)) continue;
    users_.try_emplace(outputs[i], 0);
    if (options_.removes_leftovers && states_.exists(outputs[i])) unused_.insert(outputs[i]);
  }
}

// A log of the job that makes it is no output.
bool JobFiles::is_temp_output(FileId file) const {
  const NodeId made_by = dag_.producer(file);
  if (made_by == kNoNode) return false;
  const auto outputs = dag_.outputs(made_by, rules_);
  return std::find(outputs.begin(), outputs.end(), file) != outputs.end() && is_flagged_temp(file);
}

// ---- a graph that grows

void JobFiles::extend(const GrowthStep& step, const std::function<bool(NodeId)>& must_run, bool is_complete) {
  const std::set<NodeId> due(step.due.begin(), step.due.end());
  const std::set<NodeId> dropped(step.dropped.begin(), step.dropped.end());
  std::set<NodeId> answered;
  for (const NodeId node : step.due) removal_.expect_more(node);
  for (const NodeId node : step.dropped) removal_.ended(node);
  const auto& targets = dag_.targets();
  for (const auto& [node, before, has_waited] : step.extension.answered) {
    answered.insert(node);
    if (std::find(targets.begin(), targets.end(), node) != targets.end()) add_targets(node);
  }
  keeps_temp_files_ = !is_complete;
  if (options_.keep_temp) return;
  for (const NodeId node : step.extension.added) find_temp_outputs(node);
  for (const NodeId node : step.due) {
    if (!answered.contains(node)) add_uses(dag_.inputs(node));
  }
  for (const NodeId node : step.dropped) {
    if (!answered.contains(node)) end_uses(dag_.inputs(node));
  }
  for (const auto& [node, before, has_waited] : step.extension.answered) {
    if (must_run(node)) add_uses(dag_.inputs(node));
    if (dropped.contains(node) || (must_run(node) && !due.contains(node))) end_uses(before);
  }
  if (!keeps_temp_files_) release_unused();
}

void JobFiles::add_uses(std::span<const FileId> inputs) {
  for (const FileId file : inputs) {
    if (is_temp_output(file)) ++users_[file];
  }
}

void JobFiles::end_uses(std::span<const FileId> inputs) {
  for (const FileId file : inputs) {
    const auto users = users_.find(file);
    if (users != users_.end() && users->second > 0 && --users->second == 0) unused_.insert(file);
  }
}

void JobFiles::release_unused() {
  for (const FileId file : std::exchange(unused_, {})) {
    if (users_.at(file) == 0 && removal_.has_ended(dag_.producer(file))) release(file);
  }
}

void JobFiles::look_at_outputs(NodeId node) {
  for (const FileId file : dag_.outputs(node, rules_)) (void)os::status(std::string(dag_.files.view(file)));
}

void JobFiles::reload_outputs(NodeId node) {
  for (const FileId file : dag_.outputs(node, rules_)) states_.reload(file);
}

Result<void> JobFiles::before(NodeId node) {
  reload_outputs(node);
  FURROW_TRY(removal_.check(node));
  return removal_.make_folders(node);
}

Result<void> JobFiles::clear(NodeId node) {
  FURROW_TRY(updated_.keep(node));
  remove_passing(node);  // left by a killed run
  return removal_.remove(node, Occasion::kStart);
}

// ---- what is there only while jobs run

Result<void> JobFiles::make_pipes(NodeId node) {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  const auto outputs = dag_.outputs(node, rules_);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!(rule.outputs[i].flags & kPipe)) continue;
    if (auto made = os::make_named_pipe(std::string(dag_.files.view(outputs[i]))); !made)
      return fail(located(std::move(made.error()), rule.rule));
  }
  return {};
}

bool JobFiles::is_up(NodeId node) const {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  const auto outputs = dag_.outputs(node, rules_);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!(rule.outputs[i].flags & kService)) continue;
    if (!os::status(std::string(dag_.files.view(outputs[i]))).exists()) return false;
  }
  return true;
}

void JobFiles::remove_passing(NodeId node) {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  const auto outputs = dag_.outputs(node, rules_);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!(rule.outputs[i].flags & kPassing)) continue;
    const std::string path(dag_.files.view(outputs[i]));
    const os::FileStatus found = os::status(path);
    const bool is_folder = found.kind == os::FileStatus::Kind::kDirectory && !found.is_link;
    if (rule.outputs[i].flags & kPipe) {
      os::remove_named_pipe(path);
    } else if (!is_folder || (rule.outputs[i].flags & kDirectory)) {
      (void)os::remove_tree(path);
    }
    removal_.remove_folders_above(path);
  }
}

// ----

Result<void> JobFiles::touch_or_make(FileId file, bool is_directory) {
  const std::string path(dag_.files.view(file));
  if (is_directory) {
    FURROW_TRY(os::make_directories(path));
  }
  return os::touch(path);
}

// A job that logs nothing still gets an empty log file: people and other rules expect it.
void JobFiles::make_logs(NodeId node) {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  if (rule.logs.empty()) return;
  const auto values = dag_.values(node, rules_);
  for (const Template& log : rule.logs) {
    const std::string path = log.filled(values);
    if (!os::status(path).exists()) (void)os::touch(path);
  }
}

std::vector<FileId> JobFiles::used_up_by(std::span<const NodeId> nodes) const {
  std::map<FileId, std::uint32_t> uses;
  for (const NodeId node : nodes) {
    for (const FileId file : dag_.inputs(node)) {
      if (users_.contains(file) && !is_target_.contains(file)) ++uses[file];
    }
  }
  std::vector<FileId> used_up;
  for (const auto& [file, count] : uses) {
    if (users_.at(file) == count) used_up.push_back(file);
  }
  return used_up;
}

bool JobFiles::outputs_pending(NodeId node, double ended, const IsUsedUp& is_used_up) {
  if (options_.latency_s <= 0 || os::wall_seconds() >= ended + options_.latency_s) return false;
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  const auto outputs = dag_.outputs(node, rules_);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (rule.outputs[i].flags & (kTouch | kPassing)) continue;  // made by after(), or gone
    states_.reload(outputs[i]);
    if (states_.exists(outputs[i])) continue;
    os::look_again(std::string(dag_.files.view(outputs[i])));
    states_.reload(outputs[i]);
    if (!states_.exists(outputs[i]) && !(is_used_up && is_used_up(outputs[i]))) return true;
  }
  return false;
}

Result<void> JobFiles::after(NodeId node, const IsUsedUp& is_used_up, std::span<const Ensure> answered) {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  const auto outputs = dag_.outputs(node, rules_);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (rule.outputs[i].flags & kTouch) {
      FURROW_TRY(touch_or_make(outputs[i], rule.outputs[i].flags & kDirectory));
    }
    states_.reload(outputs[i]);
  }
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const FileId file = outputs[i];
    if (!states_.exists(file) && !(rule.outputs[i].flags & kPassing) && !(is_used_up && is_used_up(file)))
      missing.emplace_back(dag_.files.view(file));
  }
  if (!missing.empty())
    return fail(rule_error(
        rule.rule, "rule " + rule.rule.name + " ended well but did not make " + one_line(join(missing, ", ")),
        "Check the paths in its command; on a shared file system that shows files late, "
        "give --latency-wait SECONDS."));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!states_.exists(outputs[i])) continue;
    const Ensure* const ensure = i < answered.size() ? &answered[i] : rule.outputs[i].ensure.get();
    FURROW_TRY(check(node, rule.outputs[i], outputs[i], ensure));
  }
  return {};
}

Result<void> JobFiles::check(NodeId node, const Template& output, FileId file, const Ensure* ensure) {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  const std::string path(dag_.files.view(file));
  if (states_.is_directory(file) != ((output.flags & kDirectory) != 0)) {
    return fail(rule_error(
        rule.rule,
        path + (states_.is_directory(file) ? " is a folder, but rule " + rule.rule.name + " declares a file"
                                           : " is a file, but rule " + rule.rule.name + " declares a folder"),
        "Flag outputs that are folders, and only those, with directory()."));
  }
  if (!ensure) return {};
  if (ensure->non_empty && states_.size(file) == 0)
    return fail(
        rule_error(rule.rule, path + " is empty, but rule " + rule.rule.name + " ensures that it is not"));
  const auto check_sum = [&](const char* name, const std::string& wanted, auto function) -> Result<void> {
    if (wanted.empty()) return {};
    const std::string actual = sum_of(path, function);
    if (strcasecmp(actual.c_str(), wanted.c_str()) == 0) return {};
    return fail(rule_error(rule.rule, path + " has the " + name + " sum " + actual + ", but rule " +
                                          rule.rule.name + " ensures " + wanted));
  };
  FURROW_TRY(check_sum("SHA-256", ensure->sha256, &SHA256File));
  FURROW_TRY(check_sum("SHA-1", ensure->sha1, &SHA1File));
  return check_sum("MD5", ensure->md5, &MD5File);
}

void JobFiles::before_record(NodeId node) {
  make_logs(node);
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  const auto outputs = dag_.outputs(node, rules_);
  std::int64_t newest_input = 0;
  if (!outputs.empty()) {
    for (const FileId file : dag_.inputs(node)) newest_input = std::max(newest_input, states_.mtime_ns(file));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!states_.exists(outputs[i])) continue;  // a temp file that is used up
    const std::string path(dag_.files.view(outputs[i]));
    // A copy or an unpacked file may keep its old time, but it is new.
    if (states_.own_mtime_ns(outputs[i]) < newest_input && os::touch(path)) states_.reload(outputs[i]);
    if (rule.outputs[i].flags & kProtected) (void)os::set_writable(path, false);
  }
}

void JobFiles::settle(NodeId node) {
  removal_.ended(node);
  updated_.forget(node);
  if (users_.empty()) return;
  for (const FileId file : dag_.outputs(node, rules_)) {
    const auto users = users_.find(file);
    if (users != users_.end() && users->second == 0) unused_.insert(file);
  }
  end_uses(dag_.inputs(node));
  if (!keeps_temp_files_) release_unused();
}

Result<void> JobFiles::touch(NodeId node) {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  std::vector<std::string> missing;
  for (const FileId file : dag_.outputs(node, rules_)) {
    states_.reload(file);
    if (!states_.exists(file) && !(template_of(file).flags & (kTemp | kPassing)))
      missing.emplace_back(dag_.files.view(file));
  }
  if (!missing.empty())
    return fail(rule_error(rule.rule,
                           join(missing, ", ") + (missing.size() == 1 ? " is" : " are") +
                               " not there, so --touch cannot mark what rule " + rule.rule.name +
                               " makes as up to date",
                           "Run without --touch to have it made."));
  for (const FileId file : dag_.outputs(node, rules_)) {
    if (!states_.exists(file)) continue;
    FURROW_TRY(os::touch(std::string(dag_.files.view(file))));
    states_.reload(file);
  }
  return {};
}

void JobFiles::release(FileId file) {
  if (is_target_.contains(file)) return;
  (void)removal_.remove(file, template_of(file).flags, Occasion::kUsedUp);
  removal_.remove_folders_above(dag_.files.view(file));
  states_.reload(file);
}

void JobFiles::discard(NodeId node, bool has_started, bool will_retry) {
  if (!will_retry) removal_.ended(node);
  if (has_started && !options_.keep_incomplete) {
    reload_outputs(node);
    (void)removal_.remove(node, Occasion::kFailure);
    (void)updated_.restore(node);
    reload_outputs(node);
  }
  if (has_started && options_.keep_incomplete) updated_.forget(node);
  removal_.remove_folders(node);
}

}  // namespace furrow::workflow

#include "workflow/jobs/removal.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace furrow::workflow {

Verdict judge(Occasion occasion, FileFlags flags, const os::FileStatus& found) {
  if (!found.exists() && !found.is_link) return Verdict::kStays;
  const bool is_folder = found.kind == os::FileStatus::Kind::kDirectory && !found.is_link;
  // A link to a read-only file is no more protected than any link, unless the rule says that it is.
  const bool is_protected = found.is_protected && (!found.is_link || (flags & kProtected));
  const bool is_old = occasion == Occasion::kStart || occasion == Occasion::kRequest;
  if (is_protected && is_old) return Verdict::kProtected;
  const bool is_updated = (flags & kUpdate) != 0;  // UpdatedFiles brings the old one back
  if (is_updated && (occasion == Occasion::kStart || occasion == Occasion::kFailure)) return Verdict::kStays;
  if (is_folder && !(flags & kDirectory))
    return occasion == Occasion::kFailure ? Verdict::kStays : Verdict::kGoesIfEmpty;
  return Verdict::kGoes;
}

Removal::Removal(const Dag& dag, const RuleSet& rules, FileStates& states, std::string shadows)
    : dag_(dag), rules_(rules), states_(states), shadows_(std::move(shadows)) {}

Verdict Removal::verdict(Occasion occasion, FileFlags flags, FileId file) {
  os::FileStatus found;
  found.kind = states_.is_directory(file) ? os::FileStatus::Kind::kDirectory
               : states_.exists(file)     ? os::FileStatus::Kind::kFile
                                          : os::FileStatus::Kind::kMissing;
  found.is_link = states_.is_link(file);
  found.is_protected = states_.is_protected(file);
  return judge(occasion, flags, found);
}

// ---- before a job starts

Result<void> Removal::check(NodeId node) {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  const auto outputs = dag_.outputs(node, rules_);
  if (std::none_of(outputs.begin(), outputs.end(), [&](FileId file) { return states_.is_there(file); }))
    return {};
  std::vector<std::string> guarded, foreign;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Verdict is = verdict(Occasion::kStart, rule.outputs[i].flags, outputs[i]);
    if (is == Verdict::kProtected) guarded.emplace_back(dag_.files.view(outputs[i]));
    if (is != Verdict::kGoesIfEmpty) continue;
    const auto entries = os::list_directory(std::string(dag_.files.view(outputs[i])));
    if (!entries || !entries->empty()) foreign.emplace_back(dag_.files.view(outputs[i]));
  }
  if (!guarded.empty())
    return fail(rule_error(
        rule.rule, "write-protected output files for rule " + rule.rule.name + ": " + join(guarded, ", "),
        "They were flagged protected(), or made read-only: remove them or make them writable to have them "
        "made again."));
  if (!foreign.empty())
    return fail(
        rule_error(rule.rule,
                   join(foreign, ", ") + (foreign.size() == 1 ? " is a folder" : " are folders") +
                       " with files in it, but rule " + rule.rule.name + " declares a file",
                   "Move the folder away, or flag the output with directory() if the rule makes a folder."));
  return {};
}

std::vector<std::string> Removal::folders_of(NodeId node) const {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  std::vector<std::string> folders;
  const auto add = [&](std::string_view file) {
    std::string folder = os::parent_of(file);
    if (!folder.empty() && (folders.empty() || folders.back() != folder))
      folders.push_back(std::move(folder));
  };
  for (const FileId file : dag_.outputs(node, rules_)) add(dag_.files.view(file));
  if (!rule.logs.empty() || !rule.benchmarks.empty()) {
    const auto values = dag_.values(node, rules_);
    for (const Template& log : rule.logs) add(log.filled(values));
    for (const Template& benchmark : rule.benchmarks) add(benchmark.filled(values));
  }
  return folders;
}

Result<void> Removal::make_folders(NodeId node) {
  std::vector<std::string> made;
  for (const std::string& folder : folders_of(node)) {
    FURROW_TRY(os::make_directories(folder, &made));
  }
  made_.insert(made.begin(), made.end());
  return {};
}

// ---- outputs

// What stays in a folder that is an output of NODE.
std::set<std::string> Removal::kept(NodeId node) const {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  std::set<std::string> files;
  const auto values = dag_.values(node, rules_);
  for (const Template& log : rule.logs) files.insert(log.filled(values));
  for (const Template& benchmark : rule.benchmarks) files.insert(benchmark.filled(values));
  return files;
}

Result<void> Removal::remove(NodeId node, Occasion occasion) {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  const auto outputs = dag_.outputs(node, rules_);
  bool has_folder = false;
  for (const Template& output : rule.outputs) has_folder |= (output.flags & kDirectory) != 0;
  const std::set<std::string> kept = has_folder ? this->kept(node) : std::set<std::string>{};
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    FURROW_TRY(remove(outputs[i], rule.outputs[i].flags, occasion, kept));
  }
  // A log may belong into a folder that has just gone.
  return has_folder && occasion == Occasion::kStart ? make_folders(node) : Result<void>{};
}

Result<void> Removal::remove(FileId file, FileFlags flags, Occasion occasion) {
  return remove(file, flags, occasion, {});
}

Result<void> Removal::remove(FileId file, FileFlags flags, Occasion occasion,
                             const std::set<std::string>& kept) {
  const std::string path(dag_.files.view(file));
  const Verdict is = verdict(occasion, flags, file);
  if (is == Verdict::kGoesIfEmpty) (void)os::remove_empty_directory(path);
  return is == Verdict::kGoes ? os::remove_tree(path, kept) : Result<void>{};
}

// ---- folders around them

void Removal::expect(const std::function<bool(NodeId)>& must_run) {
  unfinished_.assign(dag_.size(), 0);
  for (const NodeId node : dag_.order()) unfinished_[node] = must_run(node);
}

void Removal::ended(NodeId node) {
  if (node >= unfinished_.size() || !std::exchange(unfinished_[node], 0) || !has_promises_) return;
  for (const std::string& folder : folders_of(node)) count_promises(folder, -1);
}

void Removal::expect_more(NodeId node) {
  if (node >= unfinished_.size()) unfinished_.resize(dag_.size(), 0);
  if (std::exchange(unfinished_[node], 1) || !has_promises_) return;
  for (const std::string& folder : folders_of(node)) count_promises(folder, 1);
}

void Removal::count_promises(const std::string& folder, int change) {
  for (std::string at = folder; !at.empty() && at != "/"; at = os::parent_of(at)) promises_[at] += change;
}

bool Removal::is_promised(const std::string& folder) {
  if (!has_promises_) {
    has_promises_ = true;
    count_promises(shadows_, 1);
    for (NodeId node = 0; node < unfinished_.size(); ++node) {
      if (!unfinished_[node]) continue;
      for (const std::string& promised : folders_of(node)) count_promises(promised, 1);
    }
  }
  const auto found = promises_.find(folder);
  return found != promises_.end() && found->second > 0;
}

void Removal::remove_folders_above(std::string_view path) {
  for (std::string folder = os::parent_of(path); made_.contains(folder); folder = os::parent_of(folder)) {
    if (is_promised(folder)) {
      left_.insert(folder);
      return;
    }
    if (!os::remove_empty_directory(folder)) return;
    made_.erase(folder);
  }
}

void Removal::remove_folders(NodeId node) {
  for (const std::string& folder : folders_of(node)) remove_folders_above(folder + "/");
}

void Removal::remove_leftover_folders() {
  std::fill(unfinished_.begin(), unfinished_.end(), 0);
  promises_.clear();
  for (const std::string& folder : std::exchange(left_, {})) remove_folders_above(folder + "/");
}

}  // namespace furrow::workflow

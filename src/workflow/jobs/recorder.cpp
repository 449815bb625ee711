#include "workflow/jobs/recorder.hpp"

#include <algorithm>

#include "os/events/clock.hpp"
#include "workflow/dag/identity.hpp"
#include "workflow/jobs/files_to_lock.hpp"

namespace furrow::workflow {

namespace {

constexpr std::size_t kMostWarnings = 20;
// What took longer than this is worth a look at its bytes, so that a power cut does not cost it.
constexpr double kLong_s = 1;

store::FileStamp* find_stamp(Recorder::Stamps& stamps, std::string_view path) {
  const auto place = std::lower_bound(stamps.begin(), stamps.end(), path,
                                      [](const auto& stamp, std::string_view p) { return stamp.path < p; });
  return place != stamps.end() && place->path == path ? &*place : nullptr;
}

}  // namespace

Recorder::Recorder(const Dag& dag, const RuleSet& rules, FileStates& states, store::Store& store,
                   os::FileHasher* hasher, std::int64_t hash_limit)
    : dag_(dag),
      rules_(rules),
      states_(states),
      store_(store),
      hasher_(hasher),
      hash_limit_(hash_limit),
      hashes_(dag.files, states, hasher, hash_limit) {}

Result<void> Recorder::begin() {
  if (open_) return {};
  auto begun = store_.begin();
  open_ = begun.has_value();
  return begun;
}

Result<void> Recorder::put(const store::JobRecord& record) {
  FURROW_TRY(begin());
  return store_.put(record);
}

// A job without outputs, such as `rule all`, runs whenever it is a target. Its inputs, perhaps a million, are
// never compared.
bool Recorder::is_judged_by_inputs(NodeId node) const { return rules_[dag_.node(node).rule].has_products(); }

void Recorder::want_inputs(NodeId node) {
  if (!is_judged_by_inputs(node)) return;
  for (const FileId file : dag_.inputs(node)) hashes_.want(file);
}

void Recorder::prefetch(NodeId node) {
  want_inputs(node);
  (void)begin();  // the next write reports an error again
}

Result<void> Recorder::expect_more(std::span<const NodeId> nodes) {
  if (locks_) {
    const auto locked = FURROW_TRY(store_.lock_files(files_to_lock(dag_, rules_, nodes, nodes)));
    if (locked == store::Locking::kStale)
      return fail(Error{"another run has just made files of jobs that this run has found behind a checkpoint",
                        {},
                        0,
                        "Run again: then it is looked at whether they are up to date."});
  }
  std::vector<std::string> keys;
  for (const NodeId node : nodes) {
    if (rules_[dag_.node(node).rule].has_products()) keys.push_back(record_key(dag_, rules_, node));
  }
  return store_.expect_more(keys);
}

// ---- inputs

const std::vector<FileId>& Recorder::changed_before(NodeId node) const {
  static const std::vector<FileId> kNone;
  if (!changed_before_) return kNone;
  const auto found = changed_before_->find(node);
  return found == changed_before_->end() ? kNone : found->second;
}

store::FileStamp Recorder::stamp(FileId file) const {
  const std::int64_t time = states_.mtime_ns(file);
  return {std::string(dag_.files.view(file)), time, states_.size(file), hashes_.of(file, time)};
}

void Recorder::stamp_inputs(NodeId node, store::JobRecord& record) {
  std::vector<FileId> inputs(dag_.inputs(node).begin(), dag_.inputs(node).end());
  std::sort(inputs.begin(), inputs.end());
  inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
  record.inputs.clear();
  for (const FileId file : inputs) {
    if (record.attempt > 1 || states_.is_directory(file)) states_.reload(file);
    record.inputs.push_back(stamp(file));
  }
  std::sort(record.inputs.begin(), record.inputs.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
}

void Recorder::stamp_made_inputs(store::JobRecord& record) const {
  for (store::FileStamp& input : record.inputs) {
    const FileId file = dag_.files.find(input.path);
    if (was_made(file)) input = stamp(file);
  }
}

Result<void> Recorder::started(NodeId node, store::JobRecord& record, const Stamps& earlier) {
  record.phase = store::JobPhase::kStarted;
  record.started_at = os::wall_seconds();  // nearly; its end will tell
  if (!is_judged_by_inputs(node)) return put(record);
  for (const FileId file : changed_before(node)) hashes_.learn(file);
  stamp_inputs(node, record);
  for (const store::FileStamp& before : earlier) {
    const bool was_there = before.mtime_ns != 0 || before.size != 0;
    store::FileStamp* const input = find_stamp(record.inputs, before.path);
    if (input && was_there && !was_made(dag_.files.find(before.path))) *input = before;
  }
  want_inputs(node);
  return put(record);
}

bool Recorder::fill_contents(store::JobRecord& record) const {
  bool complete = true;
  for (Stamps* const stamps : {&record.inputs, &record.outputs}) {
    for (store::FileStamp& stamp : *stamps) {
      const FileId file = dag_.files.find(stamp.path);
      if (stamp.content == 0) stamp.content = hashes_.of(file, stamp.mtime_ns);
      complete &= !hashes_.is_pending(file);
    }
  }
  return complete;
}

// Inputs that have changed while the job ran, as they did the last time. The same bytes are no change.
void Recorder::accept_changes(NodeId node, Stamps& inputs) {
  for (const FileId file : changed_before(node)) {
    const std::string path(dag_.files.view(file));
    const os::FileStatus now = os::status(path);
    store::FileStamp* const input = find_stamp(inputs, path);
    if (!input || !now.exists() ||
        (store::is_same_time(input->mtime_ns, now.newest_ns()) && input->size == now.size))
      continue;
    const std::uint64_t before = hashes_.of(file, input->mtime_ns);
    *input = {path, now.newest_ns(), now.size, hashes_.now(file, now)};
    if (before != 0 && before == input->content) continue;
    if (warnings_.size() >= kMostWarnings) continue;
    warnings_.push_back(
        path + ", an input of rule " + rules_[dag_.node(node).rule].rule.name +
        ", has changed while the job ran, for the second time in a row. The output counts as made from the "
        "file as it is now. If the job itself changes the file, flag the input before_update() and name the "
        "file as an output with update().");
  }
}

// A folder in which the job makes its outputs changes by that alone, and so does a file that the job updates.
void Recorder::accept_own_files(NodeId node, Stamps& inputs) const {
  const auto files = dag_.inputs(node);
  const auto flags = dag_.input_flags(node);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!states_.is_directory(files[i]) && !(flags[i] & kBeforeUpdate)) continue;
    const std::string folder(dag_.files.view(files[i]));
    const std::string_view plain = plain_name(folder, flags[i]);
    const auto outputs = dag_.outputs(node, rules_);
    const bool has_own = std::any_of(outputs.begin(), outputs.end(), [&](FileId output) {
      const std::string_view path = dag_.files.view(output);
      return path == plain || os::parent_of(path) == plain;
    });
    store::FileStamp* const input = has_own ? find_stamp(inputs, folder) : nullptr;
    if (!input) continue;
    const os::FileStatus now = os::status(folder);
    *input = {folder, now.newest_ns(), now.size, 0};
  }
}

// ---- ends

void Recorder::stamp_outputs(NodeId node, store::JobRecord& record) {
  record.outputs.clear();
  made_.resize(dag_.files.size());
  for (const FileId file : dag_.outputs(node, rules_)) {
    record.outputs.push_back(stamp(file));
    made_[file] = 1;
    const std::string& path = record.outputs.back().path;
    const bool is_own_place = states_.is_link(file) || states_.is_directory(file);
    store_.made_in(is_own_place ? path : os::parent_of(path));
  }
}

Result<void> Recorder::ended(NodeId node, store::JobRecord record) {
  if (!is_judged_by_inputs(node)) return put(record);
  if (record.inputs.empty()) {  // it never started
    stamp_inputs(node, record);
    if (record.phase == store::JobPhase::kFinished) want_inputs(node);  // --touch
  }
  if (record.phase == store::JobPhase::kFinished) {
    accept_changes(node, record.inputs);
    accept_own_files(node, record.inputs);
  }
  stamp_outputs(node, record);
  const double cost_s = record.finished_at - record.started_at;
  if (record.phase == store::JobPhase::kFinished && cost_s >= kLong_s) {
    for (const FileId file : dag_.outputs(node, rules_)) {
      hashes_.want(file);
      if (states_.is_directory(file) || states_.size(file) > hash_limit_) store_.made_at_cost(cost_s);
    }
  }
  const bool complete = fill_contents(record);
  auto done = put(record);
  if (done && !complete) unhashed_.push_back(std::move(record));
  return done;
}

Result<void> Recorder::commit() {
  // The hasher delivers in order, so the oldest record is complete first.
  while (!unhashed_.empty() && fill_contents(unhashed_.front())) {
    FURROW_TRY(put(unhashed_.front()));
    unhashed_.pop_front();
  }
  if (!open_) return {};
  open_ = false;
  return store_.commit();
}

std::unique_ptr<Recorder::Stamps> Recorder::left_open(std::string_view key) const {
  auto record = store_.find(key);
  if (!record || !*record || (*record)->phase != store::JobPhase::kStarted) return nullptr;
  return std::make_unique<Stamps>(std::move((*record)->inputs));
}

Result<void> Recorder::finish() {
  if (hasher_) hasher_->drain();
  return commit();
}

}  // namespace furrow::workflow

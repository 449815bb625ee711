#include "workflow/jobs/recorder.hpp"

#include <algorithm>

namespace furrow::workflow {

Recorder::Recorder(const Dag& dag, const RuleSet& rules, FileStates& states, store::Store& store,
                   os::FileHasher* hasher, std::int64_t hash_limit)
    : dag_(dag), rules_(rules), states_(states), store_(store), hasher_(hasher), hash_limit_(hash_limit) {}

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

void Recorder::want_content(FileId file) {
  if (!hasher_ || !states_.exists(file) || states_.is_directory(file) || states_.size(file) > hash_limit_)
    return;
  Content& content = contents_[file];
  if (content.mtime_ns == states_.mtime_ns(file)) return;
  content = {states_.mtime_ns(file), 0, true};
  hasher_->hash(std::string(dag_.files.view(file)),
                [this, file, time = content.mtime_ns](std::uint64_t hash) {
                  Content& known = contents_[file];
                  if (known.mtime_ns == time) known = {time, hash, false};
                });
}

void Recorder::want_inputs(NodeId node) {
  if (!is_judged_by_inputs(node)) return;
  for (const FileId file : dag_.inputs(node)) want_content(file);
}

void Recorder::prefetch(NodeId node) {
  want_inputs(node);
  (void)begin();  // the next write reports an error again
}

Result<void> Recorder::started(NodeId node, store::JobRecord record) {
  record.phase = store::JobPhase::kStarted;
  want_inputs(node);
  return put(record);
}

store::FileStamp Recorder::stamp(FileId file) const {
  store::FileStamp stamp{std::string(dag_.files.view(file)), states_.mtime_ns(file), states_.size(file), 0};
  if (const auto content = contents_.find(file);
      content != contents_.end() && content->second.mtime_ns == stamp.mtime_ns)
    stamp.content = content->second.hash;
  return stamp;
}

bool Recorder::fill_stamps(NodeId node, store::JobRecord& record) {
  bool complete = true;
  record.inputs.clear();
  record.outputs.clear();
  std::vector<FileId> inputs(dag_.inputs(node).begin(), dag_.inputs(node).end());
  std::sort(inputs.begin(), inputs.end());
  inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
  for (const FileId file : inputs) {
    const auto content = contents_.find(file);
    complete &= content == contents_.end() || !content->second.pending;
    record.inputs.push_back(stamp(file));
  }
  std::sort(record.inputs.begin(), record.inputs.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  for (const FileId file : dag_.outputs(node, rules_)) record.outputs.push_back(stamp(file));
  return complete;
}

Result<void> Recorder::ended(NodeId node, store::JobRecord record) {
  const bool complete = !is_judged_by_inputs(node) || fill_stamps(node, record);
  auto done = put(record);
  if (done && !complete) unhashed_.emplace_back(node, std::move(record));
  return done;
}

Result<void> Recorder::commit() {
  // The hasher delivers in order, so the oldest record is complete first.
  while (!unhashed_.empty()) {
    auto& [node, record] = unhashed_.front();
    const auto inputs = dag_.inputs(node);
    const bool pending = std::any_of(inputs.begin(), inputs.end(), [&](FileId f) {
      const auto content = contents_.find(f);
      return content != contents_.end() && content->second.pending;
    });
    if (pending) break;
    for (store::FileStamp& stamp : record.inputs) {
      const auto content = contents_.find(dag_.files.find(stamp.path));
      if (content != contents_.end() && content->second.mtime_ns == stamp.mtime_ns)
        stamp.content = content->second.hash;
    }
    FURROW_TRY(put(record));
    unhashed_.pop_front();
  }
  if (!open_) return {};
  open_ = false;
  return store_.commit();
}

bool Recorder::is_open(std::string_view key) const {
  const auto record = store_.find(key);
  return record && *record && (*record)->phase == store::JobPhase::kStarted;
}

Result<void> Recorder::finish() {
  if (hasher_) hasher_->drain();
  return commit();
}

}  // namespace furrow::workflow

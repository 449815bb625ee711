#include "workflow/jobs/input_hashes.hpp"

namespace furrow::workflow {

InputHashes::InputHashes(const StringTable& files, FileStates& states, os::FileHasher* hasher,
                         std::int64_t limit)
    : files_(files), states_(states), hasher_(hasher), limit_(limit) {}

bool InputHashes::may_be_hashed(FileId file) const {
  return hasher_ && states_.exists(file) && !states_.is_directory(file) && states_.size(file) <= limit_;
}

void InputHashes::want(FileId file) {
  if (!may_be_hashed(file)) return;
  Hash& hash = known_[file];
  if (hash.mtime_ns == states_.mtime_ns(file)) return;
  hash = {states_.mtime_ns(file), 0, true};
  // The time of a link may be newer than that of its target, which is what is read.
  hasher_->hash(
      std::string(files_.view(file)),
      [this, file, time = hash.mtime_ns, is_link = states_.is_link(file)](os::FileHasher::Content read) {
        Hash& known = known_[file];
        if (known.mtime_ns != time) return;
        const bool is_same = read.mtime_ns == time || (is_link && read.mtime_ns < time);
        known = {time, is_same ? read.hash : 0, false};
      });
}

void InputHashes::learn(FileId file) {
  states_.reload(file);
  if (!may_be_hashed(file) || of(file, states_.mtime_ns(file)) != 0) return;
  const std::string path(files_.view(file));
  known_[file] = {states_.mtime_ns(file), os::hash_file(path).value_or(0), false};
}

bool InputHashes::is_pending(FileId file) const {
  const auto hash = known_.find(file);
  return hash != known_.end() && hash->second.is_pending;
}

std::uint64_t InputHashes::of(FileId file, std::int64_t mtime_ns) const {
  const auto hash = known_.find(file);
  return hash != known_.end() && hash->second.mtime_ns == mtime_ns ? hash->second.value : 0;
}

std::uint64_t InputHashes::now(FileId file, const os::FileStatus& status) const {
  if (!hasher_ || status.kind != os::FileStatus::Kind::kFile || status.size > limit_) return 0;
  return os::hash_file(std::string(files_.view(file))).value_or(0);
}

}  // namespace furrow::workflow

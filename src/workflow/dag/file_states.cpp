#include "workflow/dag/file_states.hpp"

namespace furrow::workflow {

namespace {
constexpr std::uint8_t kMissing = 1 + static_cast<std::uint8_t>(os::FileStatus::Kind::kMissing);
constexpr std::uint8_t kDirectory = 1 + static_cast<std::uint8_t>(os::FileStatus::Kind::kDirectory);
constexpr std::uint8_t kKindMask = 15, kLinkMark = 16, kProtectedMark = 32, kIgnoredMark = 64;
}  // namespace

void FileStates::make_room() {
  if (states_.size() < files_.size()) {
    states_.resize(files_.size());
    kinds_.resize(files_.size());
  }
}

void FileStates::load(std::span<const FileId> files) {
  make_room();
  std::vector<FileId> unread;
  std::vector<std::string_view> paths;
  for (const FileId file : files) {
    if (kinds_[file] != 0) continue;
    kinds_[file] = kMissing;  // so that a file named twice is read once
    unread.push_back(file);
    paths.push_back(files_.view(file));
  }
  const std::vector<os::FileStatus> statuses = os::status_all(paths);
  for (std::size_t i = 0; i < unread.size(); ++i) set(unread[i], statuses[i]);
}

void FileStates::reload(FileId file) {
  make_room();
  set(file, os::status(std::string(files_.view(file))));
}

void FileStates::reload(std::span<const FileId> files) {
  make_room();
  for (const FileId file : files) {
    if (!(kinds_[file] & kIgnoredMark)) kinds_[file] = 0;
  }
  load(files);
}

void FileStates::assume(FileId file) {
  if (!exists(file)) kinds_[file] = 1 + static_cast<std::uint8_t>(os::FileStatus::Kind::kFile);
}

void FileStates::ignore(FileId file) {
  make_room();
  kinds_[file] = kMissing | kIgnoredMark;
  states_[file] = {};
}

void FileStates::set(FileId file, const os::FileStatus& status) {
  if (kinds_[file] & kIgnoredMark) return;
  kinds_[file] = static_cast<std::uint8_t>((1 + static_cast<std::uint8_t>(status.kind)) |
                                           (status.is_link ? kLinkMark : 0) |
                                           (status.is_protected ? kProtectedMark : 0));
  states_[file] =
      status.exists()
          ? State{status.newest_ns(), status.is_link ? status.link_mtime_ns : status.mtime_ns, status.size}
          : State{};
}

const FileStates::State& FileStates::state(FileId file) {
  make_room();
  if (kinds_[file] == 0) reload(file);
  return states_[file];
}

bool FileStates::exists(FileId file) {
  state(file);
  return (kinds_[file] & kKindMask) != kMissing;
}

bool FileStates::is_there(FileId file) {
  state(file);
  return (kinds_[file] & (kKindMask | kLinkMark)) != kMissing;
}

bool FileStates::is_link(FileId file) {
  state(file);
  return (kinds_[file] & kLinkMark) != 0;
}

bool FileStates::is_protected(FileId file) {
  state(file);
  return (kinds_[file] & kProtectedMark) != 0;
}

bool FileStates::is_directory(FileId file) {
  state(file);
  return (kinds_[file] & kKindMask) == kDirectory;
}

std::int64_t FileStates::mtime_ns(FileId file) { return state(file).mtime_ns; }
std::int64_t FileStates::own_mtime_ns(FileId file) { return state(file).own_mtime_ns; }
std::int64_t FileStates::size(FileId file) { return state(file).size; }

}  // namespace furrow::workflow

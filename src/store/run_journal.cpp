#include "store/run_journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/hash.hpp"
#include "os/files/files.hpp"
#include "os/files/sync_folder.hpp"
#include "os/files/write_all.hpp"
#include "store/blocks.hpp"

namespace furrow::store {

namespace {

constexpr std::string_view kMagic = "furrow journal 1\n", kAnyVersion = "furrow journal ";

enum class Kind : std::uint32_t {
  kRun = 1,
  kPlanned = 2,
  kAnyKey = 3,
  kPoint = 4,
  kClosed = 5,
  kDoubt = 6,
  kDoubtful = 7,
  kRecords = 8,
};

struct Counts {
  std::int64_t commits, rows;
};

struct CommitHead {
  std::int64_t commit, serial;
};

struct DoubtHead {
  std::int64_t from, to, any_key;
};

constexpr std::int64_t kAllCommits = std::numeric_limits<std::int64_t>::max();

void add_block(std::string& text, Kind kind, std::string_view body) {
  append_block(text, static_cast<std::uint32_t>(kind), body);
}

// Reads block after block.
struct Reader {
  JournalState state{};
  std::vector<JournalCommit>* records = nullptr;
  std::int64_t durable = 0;
  bool other_boot = false;

  void apply(Kind kind, std::string_view body) {
    if (kind == Kind::kPlanned) append_values(state.planned, body);
    if (kind == Kind::kDoubtful) append_values(state.doubt.keys, body);
    if (kind == Kind::kAnyKey) state.any_key = true;
    if (kind == Kind::kPoint) know(durable = std::max(durable, value_of<std::int64_t>(body)), 0);
    if (kind == Kind::kRun) {
      const std::string_view boot = body.substr(std::min(sizeof(Counts), body.size()));
      state.is_open = true;
      other_boot |= boot == "-" || boot != boot_id();
    }
    if (kind == Kind::kRun || kind == Kind::kClosed) {
      const auto counts = value_of<Counts>(body);
      know(counts.commits, counts.rows);
      if (kind == Kind::kClosed) close(counts.commits);
    }
    if (kind == Kind::kRecords && records != nullptr) {
      const auto head = value_of<CommitHead>(body);
      body.remove_prefix(std::min(sizeof head, body.size()));
      records->push_back({head.commit, head.serial, std::string(body)});
    }
    if (kind == Kind::kDoubt) {
      const auto doubt = value_of<DoubtHead>(body);
      state.doubt.from = doubt.from;
      state.doubt.to = doubt.to;
      state.doubt.any_key = doubt.any_key != 0;
    }
  }

  void close(std::int64_t commits) {
    durable = commits;
    state.planned.clear();
    state.is_open = state.any_key = other_boot = false;
  }

  void know(std::int64_t commits, std::int64_t rows) {
    state.commits = std::max(state.commits, commits);
    state.rows = std::max(state.rows, rows);
  }

  // The machine went down: what the open runs meant to make is in doubt.
  void lose_boot() {
    Doubt& doubt = state.doubt;
    doubt.from = doubt.exists() ? std::min(doubt.from, durable) : durable;
    doubt.to = kAllCommits;
    doubt.any_key |= state.any_key;
    doubt.keys.insert(doubt.keys.end(), state.planned.begin(), state.planned.end());
    state.planned.clear();
    state.is_open = state.any_key = false;
    state.is_stale = true;
  }
};

std::string text_of(const Doubt& doubt) {
  std::string text(kMagic);
  if (!doubt.exists()) return text;
  add_block(text, Kind::kDoubt, bytes_of(DoubtHead{doubt.from, doubt.to, doubt.any_key}));
  add_block(text, Kind::kDoubtful, bytes_of(doubt.keys));
  return text;
}

bool is_among(const std::vector<std::uint64_t>& sorted, std::string_view key) {
  return std::binary_search(sorted.begin(), sorted.end(), hash64(key));
}

bool is_of_later_version(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (!text.starts_with(kAnyVersion) || end == std::string_view::npos) return false;
  const std::string_view version = text.substr(kAnyVersion.size(), end - kAnyVersion.size());
  return !version.empty() && version.find_first_not_of("0123456789") == std::string_view::npos;
}

// A file system that cannot sync at all promises nothing, and is used nevertheless.
bool is_synced(int fd) {
  return ::fdatasync(fd) == 0 || errno == EINVAL || errno == ENOSYS || errno == ENOTSUP;
}

}  // namespace

bool Doubt::has(std::string_view key) const { return any_key || is_among(keys, key); }

bool JournalState::is_planned(std::string_view key) const { return is_among(planned, key); }

// A torn last block is what a cut while it was written leaves: no job had started then.
JournalState RunJournal::read(const std::string& path, std::vector<JournalCommit>* commits) {
  Reader reader;
  reader.records = commits;
  JournalState& state = reader.state;
  const auto file = os::read_file(path);
  if (!file || file->empty()) return state;
  const std::string_view text = *file;
  const bool has_magic = text.starts_with(kMagic);
  state.is_newer = !has_magic && is_of_later_version(text);
  if (state.is_newer) return state;
  bool is_damaged = !has_magic && !kMagic.starts_with(text);
  if (has_magic) {
    const BlocksRead read = read_blocks(
        text.substr(kMagic.size()),
        [&](std::uint32_t kind, std::string_view body) { reader.apply(static_cast<Kind>(kind), body); });
    state.bytes = kMagic.size() + read.bytes;
    is_damaged = read.is_damaged;
  }
  if (is_damaged || (state.is_open && reader.other_boot)) reader.lose_boot();
  if (is_damaged) {
    state.doubt.any_key = true;
    state.doubt.from = 0;
  }
  state.durable = reader.durable;
  std::sort(state.planned.begin(), state.planned.end());
  std::sort(state.doubt.keys.begin(), state.doubt.keys.end());
  return state;
}

Result<RunJournal> RunJournal::open(const std::string& path, const JournalState& state) {
  RunJournal journal;
  journal.path_ = path;
  journal.fd_ =
      std::make_unique<os::Descriptor>(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (journal.fd_->get() < 0) return fail(system_error("cannot write " + path));
  const bool is_torn = !state.is_stale && os::status(path).size > static_cast<std::int64_t>(state.bytes);
  if (is_torn && ::ftruncate(journal.fd_->get(), static_cast<off_t>(state.bytes)) != 0)
    return fail(system_error("cannot write " + path));
  return journal;
}

// On the disk when it returns: the old content, or the new.
Result<void> RunJournal::replace(const std::string& text) {
  const std::string fresh = path_ + ".new";
  auto file = std::make_unique<os::Descriptor>(
      ::open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666));
  if (file->get() < 0 || !os::write_all(file->get(), text) || !is_synced(file->get()) ||
      ::rename(fresh.c_str(), path_.c_str()) != 0)
    return fail(system_error("cannot write " + path_));
  fd_ = std::move(file);
  os::sync_folder(os::parent_of(path_));
  return {};
}

Result<void> RunJournal::begin(std::int64_t commits, std::int64_t rows,
                               const std::vector<std::uint64_t>& keys, bool any_key, const Doubt* stale,
                               const std::string& boot) {
  struct stat info {};
  const bool is_new = ::fstat(fd_->get(), &info) != 0 || info.st_size == 0;
  std::string text = stale ? text_of(*stale) : std::string(is_new ? kMagic : "");
  add_block(text, Kind::kRun, std::string(bytes_of(Counts{commits, rows})) + boot);
  if (!keys.empty()) add_block(text, Kind::kPlanned, bytes_of(keys));
  if (any_key) add_block(text, Kind::kAnyKey, {});
  if (stale) return replace(text);
  if (!os::write_all(fd_->get(), text) || !is_synced(fd_->get()))
    return fail(system_error("cannot write " + path_));
  if (is_new) {
    os::sync_folder(os::parent_of(path_));
    os::sync_folder(os::parent_of(os::parent_of(path_)));
  }
  return {};
}

Result<void> RunJournal::add_commit(std::int64_t commit, std::int64_t serial, std::string_view records) {
  std::string body(bytes_of(CommitHead{commit, serial})), text;
  add_block(text, Kind::kRecords, body.append(records));
  if (!os::write_all(fd_->get(), text)) return fail(system_error("cannot write " + path_));
  return {};
}

Result<void> RunJournal::add_closed(std::int64_t commits, std::int64_t rows) {
  std::string text;
  add_block(text, Kind::kClosed, bytes_of(Counts{commits, rows}));
  if (!os::write_all(fd_->get(), text)) return fail(system_error("cannot write " + path_));
  return {};
}

Result<void> RunJournal::add_planned(const std::vector<std::uint64_t>& keys) {
  if (keys.empty()) return {};
  std::string text;
  add_block(text, Kind::kPlanned, bytes_of(keys));
  if (!os::write_all(fd_->get(), text)) return fail(system_error("cannot write " + path_));
  return {};
}

void RunJournal::add_point(int fd, std::int64_t commit) {
  std::string text;
  add_block(text, Kind::kPoint, bytes_of(commit));
  if (os::write_all(fd, text)) ::fdatasync(fd);
}

// Without doubt it is not synced: the old content says the same, and an empty file nothing else.
Result<void> RunJournal::close(std::int64_t commits, std::int64_t rows, const Doubt& doubt) {
  std::string text = text_of(doubt);
  add_block(text, Kind::kClosed, bytes_of(Counts{commits, rows}));
  if (doubt.exists()) return replace(text);
  if (::ftruncate(fd_->get(), 0) != 0 || !os::write_all(fd_->get(), text))
    return fail(system_error("cannot write " + path_));
  return {};
}

}  // namespace furrow::store

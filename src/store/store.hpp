// What a workflow remembers between runs: one SQLite database in `.furrow/`, opened by the engine alone,
// under an exclusive lock.
//
// A job's record is written when it starts (kStarted) and replaced when it has finished and its outputs were
// checked (kFinished). Writes between begin() and commit() are one transaction, in the write-ahead log before
// commit() returns: SIGKILL after that loses nothing; a power cut may lose the last moments, but never leaves
// half a transaction. Not thread-safe.
//
// When a write fails (a full disk), the whole transaction is undone and every call up to the next begin()
// repeats the error. The schema is documented in docs/design/store.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "store/stamps.hpp"

namespace furrow::store {

enum class JobPhase : std::uint8_t { kStarted = 1, kFinished = 2, kFailed = 3 };

struct JobRecord {
  std::string key;  // the job's first output (or what stands for it): one record a key
  JobPhase phase = JobPhase::kStarted;
  std::string rule;
  std::string wildcards;
  std::vector<FileStamp> inputs;   // in order of their paths
  std::vector<FileStamp> outputs;  // in order of the rule
  std::uint64_t params_hash = 0;
  std::uint64_t code_hash = 0;
  std::string params;  // readable, for explanations; may be cut
  std::string command;
  std::string host;
  double started_at = 0, finished_at = 0;  // seconds since the epoch
  int status = 0, signal = 0, attempt = 1, threads = 1;
  double user_s = 0, system_s = 0;
  std::int64_t max_rss_kb = 0;
};

// A record as reading a hundred thousand of them needs it. All views are valid during the callback only.
struct JobRow {
  std::string_view key;
  std::string_view rule;
  JobPhase phase = JobPhase::kStarted;
  std::uint64_t params_hash = 0;
  std::uint64_t code_hash = 0;
  double started_at = 0, finished_at = 0;
  StampCursor inputs, outputs;  // stand before their first stamp
};

class Store {
 public:
  // Makes FOLDER if needed. Fails if another process holds the lock, naming it (a holder that is dead is
  // waited for, up to WAIT_S: its guard is still ending its jobs); if the folder cannot be written; or if the
  // database is from a newer version.
  static Result<std::unique_ptr<Store>> open(const std::string& folder, double wait_s);
  // A snapshot to read only, for dry runs: takes no lock, makes nothing in FOLDER, and neither disturbs a
  // running engine nor is disturbed by one. Empty where there is no store yet. Whatever writes fails.
  static Result<std::unique_ptr<Store>> open_readonly(const std::string& folder);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // The lock is held as long as any process has this descriptor open; it is closed on exec. -1 where read
  // only.
  int lock_fd() const;

  Result<void> begin();
  Result<void> put(const JobRecord& record);  // replaces the record of the same key
  Result<void> erase(std::string_view key);
  Result<void> commit();

  Result<std::optional<JobRecord>> find(std::string_view key);
  // All records, in order of their keys (as bytes). The callback must not write.
  Result<void> for_each(const std::function<void(JobRow& row)>& callback);
  // Records that were started and never ended, in order of their keys: looks through all, so ask only where
  // needed.
  Result<std::vector<JobRecord>> unfinished();

  // Whether the run before this one said close_cleanly() after its last write; true for a new store. If not,
  // look again at what it did in its last moments: a power cut may have lost files that the records speak of.
  bool ended_cleanly() const;
  // Says that all is in order, moves everything to the database file and closes it. Only the destructor may
  // follow.
  Result<void> close_cleanly();

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace furrow::store

// What a workflow remembers between runs: one SQLite database in `.furrow/`, opened by one engine at a time,
// under an exclusive lock.
//
// A job's record is written when it starts (kStarted) and replaced when it has finished and its outputs were
// checked (kFinished). Writes between begin() and commit() are one transaction, which is in the write-ahead
// log before commit() returns. SIGKILL after that loses nothing. A power cut may lose the last transactions,
// but never leaves half of one; what is to be believed then, a second file says (RunJournal,
// docs/design/durability.md). Not thread-safe.
//
// When a write fails, as on a full disk, the whole transaction is undone, and every call until the next
// begin() repeats the error. The schema is documented in docs/design/store.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "os/process/survivors.hpp"
#include "store/stamps.hpp"

namespace furrow::store {

enum class JobPhase : std::uint8_t { kStarted = 1, kFinished = 2, kFailed = 3 };

struct JobRecord {
  std::string key;  // the job's first output, or its rule and wildcards; each key has one record
  JobPhase phase = JobPhase::kStarted;
  std::string rule;
  std::string wildcards;
  std::vector<FileStamp> inputs;   // in the order of their paths
  std::vector<FileStamp> outputs;  // in the order of the rule
  std::uint64_t params_hash = 0;
  std::uint64_t code_hash = 0;
  std::vector<std::uint64_t> param_hashes;  // of each param; 0: not known. Empty in a store of version 1
  std::string params;                       // readable, one line each; may be shortened
  std::string command;
  std::string host;
  double started_at = 0, finished_at = 0;  // seconds since the epoch
  int status = 0, signal = 0, attempt = 1, threads = 1;
  double user_s = 0, system_s = 0;
  std::int64_t max_rss_kb = 0;
  std::int64_t commit = 0;  // the number of its transaction; 0: from an older program. Set by the store
};

// The part of a record that planning needs, read without copies, since there may be a hundred thousand of
// them. All views are valid only during the callback.
struct JobRow {
  std::string_view key;
  std::string_view rule;
  JobPhase phase = JobPhase::kStarted;
  std::uint64_t params_hash = 0;
  std::uint64_t code_hash = 0;
  std::string_view param_hashes;  // as in a record, packed: see unpack_hashes()
  double started_at = 0, finished_at = 0;
  std::int64_t commit = 0;
  bool is_damaged = false;      // it fails its checksum: nothing that it says counts
  StampCursor inputs, outputs;  // before their first stamps
};

std::vector<std::uint64_t> unpack_hashes(std::string_view bytes);

class Store {
 public:
  // Makes FOLDER if needed. Fails if another process holds the lock, and names that process; if the folder
  // cannot be written; or if the database is from a newer version. If the lock's holder is dead, waits up to
  // WAIT_S for its watchdog, which is still ending its jobs.
  static Result<std::unique_ptr<Store>> open(const std::string& folder, double wait_s);
  // A read-only snapshot, for dry runs: takes no lock, makes no files in FOLDER, and does not disturb a
  // running engine. Empty if there is no store yet. All calls that write fail.
  static Result<std::unique_ptr<Store>> open_readonly(const std::string& folder);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // The lock is held as long as any process has this descriptor open; it is closed on exec. -1 if read-only.
  int lock_fd() const;
  // This run means to start the jobs with these keys, and with ANY_KEY also others. On the disk when it returns.
  Result<void> expect(const std::vector<std::string>& keys, bool any_key = false);
  // From now on jobs may run, whose cookies have this run's id. They have ended when the store is closed. What they
  // make becomes durable in the background.
  Result<void> begin_jobs(const std::string& run);
  // Processes of a run that was killed, which open() has ended.
  const std::vector<os::Survivor>& ended_survivors() const;

  // A file of a job lies in this folder, or behind this link. Call it before the commit of the job's record.
  void made_in(std::string_view path);

  Result<void> begin();
  Result<void> put(const JobRecord& record);  // replaces the record of the same key
  Result<void> erase(std::string_view key);
  Result<void> commit();

  Result<std::optional<JobRecord>> find(std::string_view key);
  // All records, in the order of their keys (as bytes). The callback must not write.
  Result<void> for_each(const std::function<void(JobRow& row)>& callback);

  // Whether the machine has gone down before all that a run made was on the disk. Then a job can be in doubt: it counts
  // as made only if its outputs are what its record says, by their content; or, if the record was on the disk with
  // them, by time and size.
  bool has_doubts() const;
  bool is_in_doubt(std::string_view key, std::int64_t commit) const;  // that of its record; 0: it has none
  bool was_durable(std::int64_t commit) const;                        // when the machine went down
  void trust(std::string_view key);                                   // it was looked at and is as recorded
  // A run that was killed meant to start this job.
  bool was_expected(std::string_view key) const;
  bool has_killed_run() const;
  // Whether records are lost or damaged, as far as for_each() or count_records() has found. Then a job without a record
  // is not to be judged by the times of its files.
  bool has_lost_records() const;
  Result<void> count_records();

  // Whether the run before this one called close_cleanly() after its last write; true for a new store.
  bool ended_cleanly() const;
  // Marks the store as clean, moves everything into the database file and closes it. Waits for the disk up to a second;
  // if that is too short, the store stays as it is, and the next run finds it open. Only the destructor may follow.
  Result<void> close_cleanly();

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace furrow::store

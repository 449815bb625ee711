// What a workflow remembers between runs: one SQLite database in `.furrow/`, written by one engine at a time.
//
// An engine that comes while another has the database works on a copy and appends its records to a journal of its own;
// an engine that has the database later merges them (docs/design/several-engines.md).
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
#include "store/engines.hpp"
#include "store/job_record.hpp"

namespace furrow::store {

class Store {
 public:
  // Makes FOLDER if needed. RUN is this engine's id. Fails if the folder cannot be written; if the database is from a
  // newer version; or if a program works there that does not know of other engines. If an engine has died, waits up to
  // WAIT_S for its watchdog, which is still ending its jobs.
  static Result<std::unique_ptr<Store>> open(const std::string& folder, double wait_s,
                                             const std::string& run);
  // The same, for an engine that must be alone: fails if another is at work, and names it.
  static Result<std::unique_ptr<Store>> open_alone(const std::string& folder, double wait_s);
  // A read-only snapshot, for dry runs: takes no lock, makes no files in FOLDER, and does not disturb a
  // running engine. Empty if there is no store yet. All calls that write fail.
  static Result<std::unique_ptr<Store>> open_readonly(const std::string& folder);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Whether this engine writes the database itself.
  bool has_database() const;
  // Whether other engines worked in the folder when this one opened the store or last locked files.
  bool has_company() const;
  // Locks what this engine is about to write and to read, beside what it has locked before; all is free again when the
  // store is closed. Fails if another engine has locked one of the files, and names both. May be called at any time.
  Result<Locking> lock_files(const FilesToLock& files);
  // The locks are held as long as any process has these descriptors open; they are closed on exec. None if read-only.
  std::vector<int> lock_fds() const;
  // This run means to start the jobs with these keys, and with ANY_KEY also others. On the disk when it returns.
  Result<void> expect(const std::vector<std::string>& keys, bool any_key = false);
  // It means to start these, too, as it found out since. SIGKILL does not lose that; a power cut may, so a run that may
  // come to this said ANY_KEY.
  Result<void> expect_more(const std::vector<std::string>& keys);
  // From now on jobs may run, whose cookies have this run's id. They have ended when the store is closed. What they
  // make becomes durable in the background.
  Result<void> begin_jobs(const std::string& run, int watchdog = 0);
  // Processes of killed runs, which open() has ended.
  const std::vector<os::Survivor>& ended_survivors() const;

  // A file of a job lies in this folder, or behind this link. Call it before the commit of the job's record.
  void made_in(std::string_view path);
  // A file that is too large for its content to be recorded has cost so much time: a power cut soon after must not cost it
  // again.
  void made_at_cost(double cost_s);

  Result<void> begin();
  Result<void> put(const JobRecord& record);  // replaces the record of the same key
  Result<void> erase(std::string_view key);
  Result<void> commit();

  Result<std::optional<JobRecord>> find(std::string_view key);
  // All records, in the order of their keys (as bytes). The callback must not write.
  Result<void> for_each(const std::function<void(JobRow& row)>& callback);
  // The same with whole records, for reports; without those that are damaged, whose number is returned.
  Result<std::size_t> for_each_record(const std::function<void(JobRecord record)>& callback);
  Result<void> look_up(std::string_view key,
                       const std::function<void(JobRow& row)>& callback);  // the same for one

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
  // The same, if all that it meant to start is among KEYS.
  bool has_killed_run_of(const std::vector<std::string>& keys) const;
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
  static void merge_if_free(const std::string& folder, std::unique_ptr<Engines> engines);
  std::unique_ptr<State> state_;
};

}  // namespace furrow::store

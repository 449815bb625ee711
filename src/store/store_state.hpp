// What an open store has: the database or a copy of it, the locks, and the journal. Included by store*.cpp alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "os/process/disk_syncer.hpp"
#include "store/database.hpp"
#include "store/engines.hpp"
#include "store/journals.hpp"
#include "store/lock.hpp"
#include "store/run_journal.hpp"
#include "store/snapshot.hpp"
#include "store/store.hpp"

namespace furrow::store {

// kReader: a copy, for a look. kWriter: the database. kJournalWriter: a copy, while another engine has the database; records also
// go to a journal.
enum class StoreRole : std::uint8_t { kReader, kWriter, kJournalWriter };

struct Store::State {
  explicit State(StoreRole its_role) : role(its_role) {}

  const StoreRole role;
  // In this order, so that the database is closed before the lock is released and before its copy is removed, and the
  // other engines see this one until then.
  std::unique_ptr<Engines> engines;
  FolderLock lock;
  Snapshot snapshot;
  Database database;
  Statement begin, commit, rollback, put, erase, set_clean;
  Statement find;  // prepared at its first use
  JournalState known;
  RunJournal journal;
  std::unique_ptr<os::DiskSyncer> syncer;     // set while jobs may run
  std::int64_t commits = 0, rows = 0;         // in the database, as far as is known
  std::unordered_set<std::uint64_t> trusted;  // hashes of keys that are no longer in doubt
  std::vector<OuterJob> outer;                // of engines in this folder
  std::vector<os::Survivor> ended;            // what killed runs have left
  std::string records;                        // of this transaction, for the journal
  double cost_s = 0;                          // of what this transaction records
  bool has_put = false;                       // this transaction has a number
  bool has_erased = false;                    // records, as it was asked to
  bool has_lost = false;                      // records
  bool has_merged = false;
  bool was_clean = true;
  bool wrote = false;           // whether anything was committed since it was opened
  std::optional<Error> failed;  // why the transaction was undone
  std::string folder;

  bool is_reader() const { return role == StoreRole::kReader; }
  bool is_writer() const { return role == StoreRole::kWriter; }
  bool writes_journal() const { return role == StoreRole::kJournalWriter; }
  std::string file() const { return folder + "/furrow.db"; }
  bool exists() const { return database.is_open(); }  // false for a reader if there is no store

  static Result<void> make_file(const std::string& path);  // the database, unless it is there
  // For each role; the locks are taken.
  Result<void> create_database();
  Result<void> open_for_writing();
  Result<void> open_copy();

  Result<void> open_database(const std::string& path);
  Result<void> find_counts();
  Result<void> count_all();
  void compare_counts(std::int64_t seen_commits, std::int64_t seen_rows);
  Result<void> merge(const Journals& journals);
  Result<void> add_state(const Journals& journals);

  void start_syncer();
  bool is_on_disk();
  Doubt doubt_left() const;
  Result<void> prepare_writing();
  Result<void> set_clean_to(bool clean);
  Result<void> write(Statement& statement);
  Result<void> write_journal();
  Result<void> check_locks() const;
  void find_outer_inputs(OuterJob& job);

  Result<void> close_database();
  Result<void> close_journal();
};

}  // namespace furrow::store

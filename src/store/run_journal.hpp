// The second file of a store, `.furrow/journal`: what the runs in this folder mean to make, and up to which commit all
// is on the disk. It is what tells, after the machine went down, which records are to be believed, and whether the
// database has lost some. docs/design/durability.md says why, and has the format. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "os/files/descriptor.hpp"
#include "store/run_mark.hpp"

namespace furrow::store {

// What a power cut has left open. The job of such a key is in doubt unless its record is newer than all that was lost.
struct Doubt {
  bool any_key = false;               // the runs did not say in advance what they would make
  std::vector<std::uint64_t> keys{};  // hashes; sorted
  std::int64_t from = 0;              // commits up to this one are on the disk
  std::int64_t to = 0;                // later ones are of runs after the cut

  bool exists() const { return any_key || !keys.empty(); }
  bool has(std::string_view key) const;
};

struct JournalState {
  Doubt doubt{};
  // A run of this boot has begun, and it is not known that all it made is on the disk. The hashes of the keys of the
  // jobs that it meant to start are sorted.
  bool is_open = false, any_key = false;
  std::vector<std::uint64_t> planned{};
  // A later version has written it, and nothing of it is known.
  bool is_newer = false;
  // The file is to be written anew.
  bool is_stale = false;
  // The database had at least so many.
  std::int64_t commits = 0, rows = 0;
  // Commits up to this one are on the disk, as far as this file says.
  std::int64_t durable = 0;
  // How much of the file could be read.
  std::size_t bytes = 0;

  bool is_planned(std::string_view key) const;  // by name
};

// Records that an engine wrote in one transaction (record_bytes.hpp). SERIAL: when it locked the files that they are about.
struct JournalCommit {
  std::int64_t commit = 0, serial = 0;
  std::string records{};
};

class RunJournal {
 public:
  // A file that is not there gives the state of a new store. The records that are in it, if any, are added to COMMITS.
  static JournalState read(const std::string& path, std::vector<JournalCommit>* commits = nullptr);

  RunJournal() = default;
  // STATE is what read() has found; a torn block at the end goes.
  static Result<RunJournal> open(const std::string& path, const JournalState& state);

  // A run that means to start jobs with these KEYS begins; COMMITS and ROWS: what the database has. On the disk when
  // it returns. ANY_KEY: it may start others, too. STALE: the file is written
  // anew, with what remains of the doubt.
  Result<void> begin(std::int64_t commits, std::int64_t rows, const std::vector<std::uint64_t>& keys,
                     bool any_key, const Doubt* stale, const std::string& boot = boot_id());
  // The run that has begun means to start these jobs, too. Not synced.
  Result<void> add_planned(const std::vector<std::uint64_t>& keys);
  // All up to this commit is on the disk; and so is this, when it returns.
  static void add_point(int fd, std::int64_t commit);
  // For an engine beside another: records, and that all is on the disk. Neither is synced.
  Result<void> add_commit(std::int64_t commit, std::int64_t serial, std::string_view records);
  Result<void> add_closed(std::int64_t commits, std::int64_t rows);
  // All that this boot has made is on the disk. The file is written anew.
  Result<void> close(std::int64_t commits, std::int64_t rows, const Doubt& doubt);

  bool is_open() const { return fd_ != nullptr; }
  int fd() const { return fd_->get(); }

 private:
  Result<void> replace(const std::string& text);

  std::string path_;
  std::unique_ptr<os::Descriptor> fd_;
};

}  // namespace furrow::store

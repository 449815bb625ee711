// The engines that work in one folder at the same time, and which files each has locked.
//
// `.furrow/engines/` has for each of them RUN.lock (a FolderLock), RUN.files (FileLocks), and RUN.journal if it does not
// have the store. They look at each other in turn, under the lock `turn`. States of an engine: joined -> has locked files
// (again and again) -> left, or dead. What an engine had locked that has left stays as N.ended, for those that were there
// meanwhile: they may have planned with its files. docs/design/several-engines.md says why no record is lost and no
// file has two writers. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "store/file_locks.hpp"
#include "store/lock.hpp"

namespace furrow::store {

enum class Locking : std::uint8_t {
  kLocked,
  // An engine has ended meanwhile that had locked one of the files: nothing is locked, and files and records are to be
  // looked at again.
  kStale,
};

class Engines {
 public:
  // FOLDER is that of the store. Waits up to WAIT_S for the watchdogs of engines that were killed.
  static Result<std::unique_ptr<Engines>> join(const std::string& folder, const std::string& run,
                                               double wait_s);
  ~Engines();  // leaves
  Engines(const Engines&) = delete;
  Engines& operator=(const Engines&) = delete;

  // Adds to what is locked. Fails if a living engine has locked one of the files against it, and names both.
  Result<Locking> add(const FilesToLock& files, const std::vector<OuterJob>& outer);
  Result<void> begin_jobs(int watchdog);
  void sign_off();

  bool has_company() const { return has_company_; }  // when this one joined, or last locked files
  bool has(const std::string& run) const;
  // Whether the holder of the database is one of the engines; looks at them again.
  Result<bool> look_for(const RunMark& holder);
  int lock_fd() const { return lock_.fd(); }
  bool is_still_there() const { return lock_.is_still_taken(); }
  // Grows with each look at the others.
  std::int64_t serial() const { return serial_; }
  const std::string& run() const { return run_; }
  std::string journal() const { return path_of(run_, ".journal"); }
  // Processes of killed engines that this one has ended.
  const std::vector<os::Survivor>& ended() const { return ended_; }

  // The journals in FOLDER, and whether their engines are at work.
  struct Journal {
    std::string path, run;
    bool is_of_living = false;
  };
  static std::vector<Journal> journals(const std::string& folder);
  // For --unlock.
  static Result<bool> forget_jobs(const std::string& folder);

 private:
  class Turn;
  struct Other {
    std::string run;
    RunMark mark;
  };
  Engines(std::string folder, std::string run, double wait_s);
  std::string path_of(const std::string& run, const char* suffix) const {
    return folder_ + "/" + run + suffix;
  }
  Result<void> look_around(Turn& turn);
  Result<void> look_at(const std::string& run, std::vector<std::string>& dead);
  void end(Turn& turn, const std::string& run);

  const std::string folder_, run_;
  const double wait_s_;
  FolderLock lock_;
  std::int64_t joined_ = 0, serial_ = 0;
  bool has_company_ = false, has_files_ = false;
  std::vector<Other> others_;      // alive
  std::vector<std::string> past_;  // files of engines that have ended since this one joined
  std::vector<os::Survivor> ended_;
};

}  // namespace furrow::store

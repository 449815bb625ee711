// A lock that names its holder and ends with its processes: the engine and its watchdog (Hold). Jobs that have outlived
// them are ended before the lock counts as taken. A holder on another host cannot be looked at, and counts as alive until
// its text is cleared, by itself or by forget_jobs().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "os/process/survivors.hpp"
#include "store/hold.hpp"
#include "store/run_mark.hpp"

namespace furrow::store {

class FolderLock {
 public:
  // If the holder is alive, fails at once and names it. If it is dead, waits up to WAIT_S for its watchdog.
  static Result<FolderLock> take(const std::string& path, double wait_s);
  // The same, but if the holder is alive: nothing, and HOLDER says who it is.
  static Result<std::optional<FolderLock>> take_unless_alive(const std::string& path, double wait_s,
                                                             RunMark& holder);
  static Error held_by(const RunMark& holder, const std::string& path);
  // Takes the jobs of a killed run, and a run on another host, for ended. True if there was such a run.
  static Result<bool> forget_jobs(const std::string& path);
  // The jobs of this killed run have been ended already, under another lock of it.
  static void jobs_are_ended(const std::string& path, const std::string& run);
  FolderLock() = default;
  FolderLock(FolderLock&& other) noexcept { *this = std::move(other); }
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();  // the caller's jobs have ended
  int fd() const { return hold_.fd(); }
  // False if another engine has taken it over, since this one was suspended or cut off for long. No system call with flock.
  bool is_still_taken() const { return hold_.is_still_taken(); }

  // From now on jobs may run, which carry this run's id. WATCHDOG is its pid, or 0.
  Result<void> begin_jobs(const std::string& run, int watchdog = 0);
  // Says that the holder is alive, to hosts that share the folder but not the locks. FD may be inherited.
  static void beat(int fd);
  // All jobs have ended, and the engine. FD is that of a lock, perhaps inherited.
  static void end_jobs(int fd);
  // Processes of a killed run that take() has ended.
  const std::vector<os::Survivor>& ended() const { return ended_; }

 private:
  Hold hold_;
  std::vector<os::Survivor> ended_;
};

}  // namespace furrow::store

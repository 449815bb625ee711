// What a lock file says about the run that holds the lock, or held it last: who it is, and whether jobs of it may
// still run. The mark of jobs is written before the first job starts, and removed when all jobs have ended: by the
// engine, or by its watchdog. So a mark that is there although the lock is free means that both were killed.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "os/process/survivors.hpp"

namespace furrow::store {

// As text: "PID HOST SINCE STARTED\n", with jobs a line "jobs RUN BOOT NAMESPACE SESSION\n", and where there is no flock
// a line "guard PID STARTED BOOT\n".
struct RunMark {
  long pid = 0;
  std::string host;
  std::time_t since = 0;  // seconds since the epoch
  // The kernel's start time of the process, which tells it from a later process with the same pid.
  std::uint64_t started = 0;
  std::string run;                 // the id in the cookies of its jobs; empty: none of its jobs runs
  std::string boot;                // of the machine: differs after each restart, and on each machine
  std::uint64_t namespace_id = 0;  // of its pids
  int session = 0;
  long guard = 0;  // its watchdog; 0: none yet
  std::uint64_t guard_started = 0;
  std::string guard_boot;  // empty: the processes do not decide, flock does

  static RunMark of_this_process(const std::string& run);
  // A text that is not a mark, such as an empty file, gives one with the pid 0.
  static RunMark from(const std::string& text);
  std::string text() const;

  // A process on another machine cannot be checked, so it counts as alive.
  bool is_alive() const;
  // Where there is no flock: whether the process or its watchdog may be alive.
  bool may_hold() const;
  bool is_of_this_host() const;
  // From now on its processes decide. GUARD: its watchdog, or 0.
  void add_guard(long guard);
  std::string who() const;  // "pid 4711 on alpha, since 2026-01-31 09:05:00"
};

// Of this start of this machine; "-" if it is not known.
std::string boot_id();

// Ends what is left of a run whose lock is free; returns the processes that it ended. Fails if jobs of it may still run
// where this process cannot see or end them; the error says to do HOW if they do not.
Result<std::vector<os::Survivor>> end_jobs_of(const RunMark& mark, const std::string& how);

}  // namespace furrow::store

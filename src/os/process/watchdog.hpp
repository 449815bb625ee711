// The watchdog: a small process that ends all jobs when the engine dies without a chance to do so itself.
//
//   engine ---pipe---> watchdog               however the engine dies, the watchdog reads end-of-file
//   engine, evaluator ---table---> watchdog   shared memory: one 32-bit process group per slot; 0: free
//
// States of the watchdog: waiting (for end-of-file) -> killing (it sends SIGKILL to each group in the table,
// and looks again until none is left alive, since a child that was just being made may write its slot late)
// -> gone. It inherits the descriptors that it is to keep: as long as the watchdog lives, a lock that belongs
// to an open file (flock) stays held, so the engine's successor waits until all jobs are gone.
//
// States of a slot: free (0) -> taken (its number was given out) -> filled (the child wrote its pid) -> free.
// Shutdown: the engine ends its jobs, then the Watchdog's destructor closes the pipe; the watchdog finds an
// empty table and ends. Start it early, since forking a large process takes long, and before any thread. A
// process that is forked from the engine without exec must close its copies of the engine's descriptors;
// otherwise the watchdog takes it for the engine. Not thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.hpp"

namespace furrow::os {

class Watchdog {
 public:
  static constexpr std::uint32_t kSlots = 65536;

  // Makes the table alone, for processes that start before there is a lock to keep.
  static Result<std::unique_ptr<Watchdog>> create();
  // Forks the watchdog process; once. It keeps these descriptors open, and no others.
  Result<void> watch(const std::vector<int>& kept_descriptors);
  // create() and watch() together.
  static Result<std::unique_ptr<Watchdog>> start(const std::vector<int>& kept_descriptors);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  std::atomic<std::int32_t>& slot(std::uint32_t index) { return table_[index]; }
  int table_fd() const { return table_fd_; }  // the table's memory: 4 * kSlots bytes; close-on-exec
  int pid() const { return pid_; }

 private:
  Watchdog() = default;

  std::atomic<std::int32_t>* table_ = nullptr;
  int table_fd_ = -1;
  int pipe_fd_ = -1;
  int pid_ = -1;
};

}  // namespace furrow::os

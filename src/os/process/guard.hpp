// The guard: a small process that ends all jobs when the engine dies without a chance to do so itself.
//
//   engine ---pipe---> guard             the engine's death, however it comes, is end-of-file for the guard
//   engine, evaluator ---table---> guard   shared memory: one 32-bit process group a slot, 0 where none runs
//
// States of the guard: waiting (for end-of-file) -> killing (SIGKILL to each group of the table; looks again,
// since a child that was just being made may write its slot late, until none is left alive) -> gone. It
// inherits the descriptors it is told to keep: as long as it lives, a lock that belongs to an open file
// (flock) stays held, so the engine's successor waits until all is over.
//
// States of a slot: free (0) -> taken (its number was given out) -> filled (the child wrote its pid) -> free.
// Shutdown: the engine ends its jobs, then the Guard's destructor closes the pipe; the guard finds an empty
// table and leaves. Start it before threads, and early: forking a large process takes long. A process that is
// forked from the engine and executes nothing must close its copies of the engine's descriptors, or it passes
// for the engine. Not thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.hpp"

namespace furrow::os {

class Guard {
 public:
  static constexpr std::uint32_t kSlots = 65536;

  // The table alone, for those who are started before there is a lock to keep.
  static Result<std::unique_ptr<Guard>> create();
  // Forks the guard; once. It keeps these descriptors open, and no others.
  Result<void> watch(const std::vector<int>& kept_descriptors);
  // Both at once.
  static Result<std::unique_ptr<Guard>> start(const std::vector<int>& kept_descriptors);
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  std::atomic<std::int32_t>& slot(std::uint32_t index) { return table_[index]; }
  int table_fd() const { return table_fd_; }  // the table's memory: 4 * kSlots bytes; close-on-exec
  int pid() const { return pid_; }

 private:
  Guard() = default;

  std::atomic<std::int32_t>* table_ = nullptr;
  int table_fd_ = -1;
  int pipe_fd_ = -1;
  int pid_ = -1;
};

}  // namespace furrow::os

// A process that makes files durable in the background, so that the engine never waits for a disk.
//
//   engine --- shared memory: a number that grows, the folders written to ---> syncer
//   engine --- pipe: a byte ends it after a last round, end-of-file at once ---> syncer
//
// States of the syncer: idle -> syncing -> idle ... -> gone. A round reads the number, syncs the file system of every
// folder, and then calls ON_DURABLE with the number: all that was written before it is on the disk. Rounds take at most a
// twentieth of the time. It is a process, not a thread, since a process ends only when its threads do, and one that
// syncs cannot be stopped. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/error.hpp"

namespace furrow::os {

class DiskSyncer {
 public:
  using OnDurable = std::function<void(std::int64_t number)>;

  // ON_DURABLE runs in the syncer; KEPT is the descriptor that it writes to. EVERYTHING: the first round syncs all
  // file systems.
  static Result<std::unique_ptr<DiskSyncer>> start(int kept, bool everything, OnDurable on_durable);
  ~DiskSyncer();  // does not wait
  DiskSyncer(const DiskSyncer&) = delete;
  DiskSyncer& operator=(const DiskSyncer&) = delete;

  // PATH lies on a file system that is written to; a link is followed. Call it before wrote(). Cheap if it is known.
  void add(std::string_view path);
  // WORTH_S: what the files have cost to make, if a loss would be worse than a sync soon.
  void wrote(std::int64_t number, double worth_s = 0);
  // A last round. False if it takes longer; then the syncer goes on alone.
  bool finish(double wait_s);

 private:
  struct Shared;
  DiskSyncer(Shared* shared, int pipe_fd) : shared_(shared), pipe_fd_(pipe_fd) {}

  Shared* shared_;
  int pipe_fd_;
  int pid_ = -1;
  std::string last_;
  std::unordered_set<std::uint64_t> known_;
};

}  // namespace furrow::os

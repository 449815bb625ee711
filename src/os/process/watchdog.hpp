// The watchdog: a small process that ends all jobs when the engine dies without a chance to do so itself.
//
//   engine ---pipe---> watchdog               however the engine dies, the watchdog reads end-of-file
//   engine, evaluator ---table---> watchdog   shared memory: the process group in each slot (JobTable)
//
// States of the watchdog: waiting (for end-of-file) -> killing (it sends SIGKILL to each group in the table, and to
// processes that have left their group but carry the cookie of a running attempt; it looks again until none is left
// alive, since a child that was just being made may write its slot late) -> gone. It inherits the descriptors that it is to keep: as long as the watchdog lives, a lock that belongs
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
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "os/process/job_table.hpp"

namespace furrow::os {

class Watchdog {
 public:
  static constexpr std::uint32_t kSlots = JobTable::kSlots;

  // Makes the table alone, for processes that start before there is a lock to keep. RUN is the id in the cookies of
  // the jobs; empty: they have none.
  static Result<std::unique_ptr<Watchdog>> create(const std::string& run = {});
  // Forks the watchdog process; once. It keeps these descriptors open, and no others. After the end of an engine that
  // was killed, when no job is left, it calls ON_ENDED. If that is given, a next run may look for jobs in the table.
  // It calls ON_BEAT every half minute.
  Result<void> watch(const std::vector<int>& kept_descriptors, const std::function<void()>& on_ended = {},
                     const std::function<void()>& on_beat = {});
  // create() and watch() together.
  static Result<std::unique_ptr<Watchdog>> start(const std::vector<int>& kept_descriptors);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  std::atomic<std::int32_t>& slot(std::uint32_t index) { return table_->group(index); }
  std::atomic<std::uint32_t>& use(std::uint32_t index) { return table_->use(index); }
  int table_fd() const { return table_->fd(); }
  int pid() const { return pid_; }

 private:
  Watchdog(const std::string& run, std::unique_ptr<JobTable> table);

  const std::string run_;
  std::unique_ptr<JobTable> table_;
  int pipe_fd_ = -1;
  int pid_ = -1;
};

}  // namespace furrow::os

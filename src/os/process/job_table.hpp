// The table of a run's jobs, in memory that its engine, evaluator and watchdog share: for each slot the process group
// in it (0: free), and how often the slot was used. It has a name, so that the next run can read it if all three were
// killed; without one (no /dev/shm) it works for the watchdog alone.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace furrow::os {

class JobTable {
 public:
  static constexpr std::uint32_t kSlots = 65536;

  static Result<std::unique_ptr<JobTable>> create();
  // Gives it a name, if the system has a place for it (/dev/shm).
  void publish(const std::string& run) const;
  // The table of a run that was killed; null if there is none.
  static std::unique_ptr<JobTable> open(const std::string& run);
  static void remove(const std::string& run);  // only its name: those who have it open keep it
  ~JobTable();
  JobTable(const JobTable&) = delete;
  JobTable& operator=(const JobTable&) = delete;

  std::atomic<std::int32_t>& group(std::uint32_t slot) { return groups_[slot]; }
  std::atomic<std::uint32_t>& use(std::uint32_t slot) { return uses_[slot]; }
  std::vector<int> groups() const;           // that are in a slot, sorted
  bool is_running(std::uint64_t tag) const;  // whether the attempt with this tag is still in its slot
  int fd() const { return fd_; }             // close-on-exec; begins with the groups, 4 bytes each

 private:
  JobTable(int fd, void* memory);

  const int fd_;
  std::atomic<std::int32_t>* const groups_;
  std::atomic<std::uint32_t>* const uses_;
};

}  // namespace furrow::os

// How much memory the jobs of a run take at this moment, by the processes of this machine. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace furrow::cli {

class JobMemory {
 public:
  // RUN: the id of the engine, on this machine.
  explicit JobMemory(std::string run) : run_(std::move(run)) {}

  // Looks at all processes again.
  void look();
  // In KiB; 0 if no process of the job is seen.
  std::int64_t of(const std::string& key) const;

 private:
  // A process says in its environment which job it belongs to, and that does not change.
  struct Known {
    std::uint64_t started = 0;  // tells it from a later process of the same number
    std::uint64_t job = 0;      // hash of the key; 0: of none
    bool is_there = false;
  };
  std::uint64_t job_of(int proc, int pid) const;

  std::string run_;
  std::unordered_map<int, Known> known_;
  std::unordered_map<std::uint64_t, std::int64_t> kb_;
};

}  // namespace furrow::cli

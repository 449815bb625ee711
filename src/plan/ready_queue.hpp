// Jobs that could start now, best first, in a line for each distinct demand: picking the next job looks at one head per line and
// not at each waiting job, so that a hundred thousand ready jobs cost no more than one.
//
// Best: urgent first, then higher priority, then deeper, then added earlier. Not thread-safe.
#pragma once

#include <optional>
#include <vector>

#include "plan/job_graph.hpp"
#include "plan/resources.hpp"

namespace furrow::plan {

class ReadyQueue {
 public:
  void push(JobId id, const Job& job);
  // The best job whose demand fits into what is free, taken out of the queue.
  std::optional<JobId> pop_fitting(const Budget& budget, const Resources& resources);
  // About COUNT of the jobs that will be picked next: a guess to prepare by, cheap and without promise.
  std::vector<JobId> peek(std::size_t count) const;
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  struct Entry {
    bool urgent;
    std::int32_t priority;
    std::uint32_t depth;
    JobId id;
    bool operator<(const Entry& other) const;  // worse than
  };
  struct Line {
    DemandId demand;
    std::vector<Entry> heap;
  };

  std::vector<Line> lines_;
  std::size_t size_ = 0;
};

}  // namespace furrow::plan

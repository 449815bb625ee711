// Jobs that could start now, best first. Each distinct demand has its own line. Picking the next job looks
// only at the head of each line, so a hundred thousand ready jobs cost no more than one.
//
// Best means urgent first, then higher priority, then deeper, then added earlier. Not thread-safe.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "plan/job_graph.hpp"
#include "plan/resources.hpp"

namespace furrow::plan {

class ReadyQueue {
 public:
  void push(JobId id, const Job& job);
  // Removes and returns the best job whose demand fits into what is free.
  std::optional<JobId> pop_fitting(const Budget& budget, const Resources& resources);
  // The best `count` jobs, whether they fit or not: they are picked next unless better ones become ready.
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
  struct Head {
    Entry best;
    DemandId demand;
    // the best head comes first in a set
    bool operator<(const Head& other) const { return other.best < best; }
  };
  using Line = std::vector<Entry>;  // a heap

  void add_head(DemandId demand);
  JobId pop(std::set<Head>::iterator head);

  std::vector<Line> lines_;  // by demand
  std::set<Head> heads_;     // of the lines that are not empty
  std::size_t size_ = 0;
};

}  // namespace furrow::plan

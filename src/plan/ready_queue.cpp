#include "plan/ready_queue.hpp"

#include <algorithm>
#include <queue>
#include <tuple>

namespace furrow::plan {

bool ReadyQueue::Entry::operator<(const Entry& other) const {
  return std::tuple(urgent, priority, depth, other.id) <
         std::tuple(other.urgent, other.priority, other.depth, id);
}

void ReadyQueue::add_head(DemandId demand) { heads_.insert({lines_[demand].front(), demand}); }

void ReadyQueue::push(JobId id, const Job& job) {
  const Entry entry{job.urgent, job.priority, job.depth, id};
  if (job.demand >= lines_.size()) lines_.resize(job.demand + 1);
  Line& line = lines_[job.demand];
  const bool leads = line.empty() || line.front() < entry;
  if (leads && !line.empty()) heads_.erase({line.front(), job.demand});
  line.push_back(entry);
  std::push_heap(line.begin(), line.end());
  if (leads) add_head(job.demand);
  ++size_;
}

std::optional<JobId> ReadyQueue::pop_fitting(const Budget& budget, const Resources& resources) {
  for (auto head = heads_.begin(); head != heads_.end(); ++head) {
    if (budget.fits(resources.amounts(head->demand))) return pop(head);
  }
  return std::nullopt;
}

JobId ReadyQueue::pop(std::set<Head>::iterator head) {
  const DemandId demand = head->demand;
  heads_.erase(head);
  Line& line = lines_[demand];
  std::pop_heap(line.begin(), line.end());
  const JobId id = line.back().id;
  line.pop_back();
  if (!line.empty()) add_head(demand);
  --size_;
  return id;
}

std::vector<JobId> ReadyQueue::peek(std::size_t count) const {
  struct Candidate {
    Entry entry;
    DemandId demand;
    std::size_t index;
    bool operator<(const Candidate& other) const { return entry < other.entry; }
  };
  std::priority_queue<Candidate> frontier;
  const auto add = [&](DemandId demand, std::size_t index) {
    if (index < lines_[demand].size()) frontier.push({lines_[demand][index], demand, index});
  };
  std::size_t lines = 0;
  for (auto head = heads_.begin(); head != heads_.end() && lines < count; ++head, ++lines)
    add(head->demand, 0);
  std::vector<JobId> upcoming;
  while (!frontier.empty() && upcoming.size() < count) {
    const Candidate best = frontier.top();
    frontier.pop();
    upcoming.push_back(best.entry.id);
    add(best.demand, 2 * best.index + 1);  // in a heap the next best is a child of one already taken
    add(best.demand, 2 * best.index + 2);
  }
  return upcoming;
}

}  // namespace furrow::plan

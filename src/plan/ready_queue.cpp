#include "plan/ready_queue.hpp"

#include <algorithm>
#include <tuple>

namespace furrow::plan {

bool ReadyQueue::Entry::operator<(const Entry& other) const {
  return std::tuple(urgent, priority, depth, other.id) < std::tuple(other.urgent, other.priority, other.depth, id);
}

void ReadyQueue::push(JobId id, const Job& job) {
  auto line = std::find_if(lines_.begin(), lines_.end(), [&](const Line& l) { return l.demand == job.demand; });
  if (line == lines_.end()) line = lines_.insert(lines_.end(), Line{job.demand, {}});
  line->heap.push_back({job.urgent, job.priority, job.depth, id});
  std::push_heap(line->heap.begin(), line->heap.end());
  ++size_;
}

std::optional<JobId> ReadyQueue::pop_fitting(const Budget& budget, const Resources& resources) {
  Line* best = nullptr;
  for (Line& line : lines_) {
    if (line.heap.empty() || (best && !(best->heap.front() < line.heap.front()))) continue;
    if (budget.fits(resources.amounts(line.demand))) best = &line;
  }
  if (!best) return std::nullopt;
  std::pop_heap(best->heap.begin(), best->heap.end());
  const JobId id = best->heap.back().id;
  best->heap.pop_back();
  --size_;
  return id;
}

std::vector<JobId> ReadyQueue::peek(std::size_t count) const {
  // The front of a heap's array holds its best entries, nearly in order.
  std::vector<JobId> upcoming;
  for (const Line& line : lines_) {
    const std::size_t n = std::min(count - upcoming.size(), line.heap.size());
    for (std::size_t i = 0; i < n; ++i) upcoming.push_back(line.heap[i].id);
  }
  return upcoming;
}

}  // namespace furrow::plan

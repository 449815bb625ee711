#include "exec/cluster/cluster_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "os/events/clock.hpp"

namespace furrow::exec {

bool ClusterQueue::join(JobPtr& job) {
  const auto slot = member_slots_.find(job->needs.key);
  if (slot == member_slots_.end()) return false;
  *slot->second = std::move(job);
  return true;
}

// From now on join() finds the members of its group: the farm may start them before the batch is written.
void ClusterQueue::add(JobPtr job) {
  if ((job->group = needs_.group(job->attempt))) {
    job->members.resize(job->group->members.size());
    for (std::size_t i = 0; i < job->members.size(); ++i)
      member_slots_[job->group->members[i].needs.key] = &job->members[i];
  }
  if (waiting_.empty()) since_ = os::monotonic_seconds();
  waiting_.push_back(std::move(job));
}

void ClusterQueue::requeue(JobPtr job) {
  if (waiting_.empty()) since_ = 0;
  waiting_.push_back(std::move(job));
}

std::vector<WaitingJob> ClusterQueue::view(const SystemFigures& figures, bool each_alone) {
  std::vector<WaitingJob> view;
  view.reserve(waiting_.size());
  for (const JobPtr& job : waiting_) {
    if (job->group && !job->own) {
      job->own = job->needs.allocation;
      job->needs.allocation = needs_.together(job->attempt, figures.node_cores, figures.node_memory_mb);
    }
    const auto known = durations_.find(job->needs.kind);
    const double mean =
        known == durations_.end() ? 0 : known->second.sum / static_cast<double>(known->second.count);
    view.push_back(
        {&job->needs, mean, each_alone || job->group, !system_.is_divisible(job->needs.allocation)});
  }
  return view;
}

std::vector<std::vector<ClusterQueue::JobPtr>> ClusterQueue::take(const PlannedSubmission& planned) {
  std::vector<std::vector<JobPtr>> batches;
  for (const PlannedBatch& batch : planned.batches) {
    auto& jobs = batches.emplace_back();
    for (const std::size_t index : batch.jobs) jobs.push_back(std::move(waiting_[index]));
  }
  std::erase(waiting_, nullptr);
  if (!waiting_.empty()) since_ = os::monotonic_seconds();
  return batches;
}

std::vector<ClusterQueue::JobPtr> ClusterQueue::take_all() {
  std::vector<JobPtr> all;
  member_slots_.clear();
  for (JobPtr& job : std::exchange(waiting_, {})) {
    std::copy_if(std::move_iterator(job->members.begin()), std::move_iterator(job->members.end()),
                 std::back_inserter(all), [](const JobPtr& member) { return member != nullptr; });
    all.push_back(std::move(job));
  }
  return all;
}

void ClusterQueue::note_duration(const std::string& kind, double seconds) {
  Mean& mean = durations_[kind];
  mean.sum += std::max(0.001, seconds);
  ++mean.count;
}

}  // namespace furrow::exec

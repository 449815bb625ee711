#include "exec/cluster/cluster_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "os/events/clock.hpp"

namespace furrow::exec {

bool ClusterQueue::join(Job& job) {
  const auto place = places_.find(job->needs.key);
  if (place == places_.end()) return false;
  *place->second = std::move(job);
  return true;
}

// Its mates are known from now on: the farm may start them before the batch is written.
void ClusterQueue::add(Job job) {
  if ((job->group = needs_.group(job->attempt))) {
    job->mates.resize(job->group->mates.size());
    for (std::size_t i = 0; i < job->mates.size(); ++i)
      places_[job->group->mates[i].needs.key] = &job->mates[i];
  }
  if (waiting_.empty()) since_ = os::monotonic_seconds();
  waiting_.push_back(std::move(job));
}

void ClusterQueue::put_back(Job job) {
  if (waiting_.empty()) since_ = 0;
  waiting_.push_back(std::move(job));
}

std::vector<WaitingJob> ClusterQueue::view(const SystemFigures& figures, bool each_alone) {
  std::vector<WaitingJob> view;
  view.reserve(waiting_.size());
  for (const Job& job : waiting_) {
    if (job->group && !job->own) {
      job->own = job->needs.allocation;
      job->needs.allocation = needs_.together(job->attempt, figures.node_cores, figures.node_memory_mb);
    }
    const auto known = durations_.find(job->needs.kind);
    const double mean =
        known == durations_.end() ? 0 : known->second.sum / static_cast<double>(known->second.count);
    view.push_back({&job->needs, mean, each_alone || job->group});
  }
  return view;
}

std::vector<std::vector<ClusterQueue::Job>> ClusterQueue::take(const PlannedSubmission& planned) {
  std::vector<std::vector<Job>> batches;
  for (const PlannedBatch& batch : planned.batches) {
    auto& jobs = batches.emplace_back();
    for (const std::size_t place : batch.jobs) jobs.push_back(std::move(waiting_[place]));
  }
  std::erase(waiting_, nullptr);
  if (!waiting_.empty()) since_ = os::monotonic_seconds();
  return batches;
}

std::vector<ClusterQueue::Job> ClusterQueue::take_all() {
  std::vector<Job> all;
  places_.clear();
  for (Job& job : std::exchange(waiting_, {})) {
    std::copy_if(std::move_iterator(job->mates.begin()), std::move_iterator(job->mates.end()),
                 std::back_inserter(all), [](const Job& mate) { return mate != nullptr; });
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

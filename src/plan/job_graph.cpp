#include "plan/job_graph.hpp"

#include <algorithm>
#include <utility>

namespace furrow::plan {

JobId JobGraph::add(const Job& job) {
  nodes_.emplace_back({.job = job});
  ++unfinished_;
  return static_cast<JobId>(nodes_.size() - 1);
}

void JobGraph::add_edge(JobId on, JobId dependent) {
  edges_.push_back({dependent, nodes_[on].first_edge});
  nodes_[on].first_edge = static_cast<std::uint32_t>(edges_.size() - 1);
}

void JobGraph::depend(JobId job, JobId on) {
  const JobState state = nodes_[on].state;
  if (state == JobState::kDone) return;
  if (nodes_[job].state == JobState::kReady) {
    nodes_[job].state = JobState::kWaiting;
    if (Gang* const gang = gang_of(job)) ++gang->waiting;
  }
  ++nodes_[job].blockers;
  if (state == JobState::kFailed || state == JobState::kSkipped) {
    doomed_.push_back(job);
  } else {
    add_edge(on, job);
  }
}

void JobGraph::hold(JobId job) {
  if (nodes_[job].state == JobState::kReady) nodes_[job].state = JobState::kWaiting;
  ++nodes_[job].blockers;
}

void JobGraph::resume(JobId job) {
  Node& node = nodes_[job];
  if (--node.blockers != 0 || node.state != JobState::kWaiting || job >= first_untaken_) return;
  make_ready(job, resumed_);
}

void JobGraph::drop(JobId job) {
  ++dropped_;
  finish(job, resumed_);
}

void JobGraph::take_doomed(std::vector<JobId>& skipped) {
  std::vector<JobId> stack;
  for (const JobId job : std::exchange(doomed_, {})) skip(job, skipped, stack);
  skip_behind(skipped, stack);
}

BarrierId JobGraph::add_barrier() {
  barriers_.emplace_back();
  return static_cast<BarrierId>(barriers_.size() - 1);
}

void JobGraph::barrier_waits_for(BarrierId barrier, JobId on) {
  if (nodes_[on].state == JobState::kDone) return;
  add_edge(on, barrier | kBarrierMark);
  ++barriers_[barrier].blockers;
}

void JobGraph::wait_at_barrier(JobId job, BarrierId barrier) {
  if (barriers_[barrier].blockers == 0) return;
  barriers_[barrier].jobs.push_back(job);
  ++nodes_[job].blockers;
}

// ---- gangs

JobGraph::Gang* JobGraph::gang_of(JobId job) const {
  if (gangs_.empty()) return nullptr;
  const auto found = gangs_.find(job);
  return found == gangs_.end() ? nullptr : found->second.get();
}

const JobGraph::Gang* JobGraph::gang(JobId job) const { return gang_of(job); }

void JobGraph::bind(Gang gang) {
  const auto bound = std::make_shared<Gang>(std::move(gang));
  Job& first = nodes_[bound->jobs.front()].job;
  for (const JobId id : bound->jobs) {
    const Job& job = nodes_[id].job;
    bound->waiting += nodes_[id].state != JobState::kReady;
    first.priority = std::max(first.priority, job.priority);
    first.depth = std::max(first.depth, job.depth);
    first.retries = std::max(first.retries, job.retries);
    first.urgent |= job.urgent;
    gangs_[id] = bound;
  }
}

bool JobGraph::is_ready(JobId job) const {
  const Gang* const gang = gang_of(job);
  return nodes_[job].state == JobState::kReady && (gang == nullptr || gang->waiting == 0);
}

// The job waits for nothing any longer; if it is the last of its gang, the gang may start.
void JobGraph::make_ready(JobId job, std::vector<JobId>& ready) {
  nodes_[job].state = JobState::kReady;
  if (Gang* const gang = gang_of(job)) {
    if (--gang->waiting != 0) return;
    job = gang->jobs.front();
  }
  ready.push_back(job);
}

// ----

std::vector<JobId> JobGraph::take_ready() {
  std::vector<JobId> ready = std::exchange(resumed_, {});
  for (; first_untaken_ < nodes_.size(); ++first_untaken_) {
    Node& node = nodes_[first_untaken_];
    if (node.blockers != 0 || node.state != JobState::kWaiting) continue;
    make_ready(first_untaken_, ready);
  }
  return ready;
}

void JobGraph::start(JobId job) { nodes_[job].state = JobState::kRunning; }

void JobGraph::retry(JobId job) { nodes_[job].state = JobState::kReady; }

void JobGraph::release(JobId dependent, std::vector<JobId>& ready) {
  if (dependent & kBarrierMark) {
    Barrier& barrier = barriers_[dependent & ~kBarrierMark];
    if (--barrier.blockers != 0) return;
    for (const JobId job : barrier.jobs) release(job, ready);
    return;
  }
  Node& node = nodes_[dependent];
  if (--node.blockers != 0 || node.state != JobState::kWaiting) return;
  make_ready(dependent, ready);
}

void JobGraph::finish(JobId job, std::vector<JobId>& ready) {
  nodes_[job].state = JobState::kDone;
  --unfinished_;
  for (std::uint32_t edge = nodes_[job].first_edge; edge != kNoEdge; edge = edges_[edge].next) {
    release(edges_[edge].dependent, ready);
  }
}

void JobGraph::skip(JobId dependent, std::vector<JobId>& skipped, std::vector<JobId>& stack) {
  if (dependent & kBarrierMark) {
    for (const JobId job : barriers_[dependent & ~kBarrierMark].jobs) skip(job, skipped, stack);
    return;
  }
  if (nodes_[dependent].state != JobState::kWaiting) return;
  mark_skipped(dependent, skipped, stack);
  const Gang* const gang = gang_of(dependent);
  if (gang == nullptr) return;
  for (const JobId partner : gang->jobs) {
    const JobState state = nodes_[partner].state;
    if (state == JobState::kWaiting || state == JobState::kReady) mark_skipped(partner, skipped, stack);
  }
}

void JobGraph::mark_skipped(JobId job, std::vector<JobId>& skipped, std::vector<JobId>& stack) {
  nodes_[job].state = JobState::kSkipped;
  --unfinished_;
  skipped.push_back(job);
  stack.push_back(job);
}

void JobGraph::fail(JobId job, std::vector<JobId>& skipped) {
  nodes_[job].state = JobState::kFailed;
  --unfinished_;
  std::vector<JobId> stack{job};
  skip_behind(skipped, stack);
}

// Skips what waits for the jobs of STACK.
void JobGraph::skip_behind(std::vector<JobId>& skipped, std::vector<JobId>& stack) {
  while (!stack.empty()) {
    const JobId current = stack.back();
    stack.pop_back();
    for (std::uint32_t edge = nodes_[current].first_edge; edge != kNoEdge; edge = edges_[edge].next) {
      skip(edges_[edge].dependent, skipped, stack);
    }
  }
}

}  // namespace furrow::plan

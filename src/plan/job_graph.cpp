#include "plan/job_graph.hpp"

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
  if (nodes_[job].state == JobState::kReady) nodes_[job].state = JobState::kWaiting;
  ++nodes_[job].blockers;
  if (state == JobState::kFailed || state == JobState::kSkipped) {
    doomed_.push_back(job);
  } else {
    add_edge(on, job);
  }
}

void JobGraph::resume(JobId job) {
  Node& node = nodes_[job];
  if (--node.blockers != 0 || node.state != JobState::kWaiting || job >= first_untaken_) return;
  node.state = JobState::kReady;
  resumed_.push_back(job);
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

std::vector<JobId> JobGraph::take_ready() {
  std::vector<JobId> ready = std::exchange(resumed_, {});
  for (; first_untaken_ < nodes_.size(); ++first_untaken_) {
    Node& node = nodes_[first_untaken_];
    if (node.blockers != 0 || node.state != JobState::kWaiting) continue;
    node.state = JobState::kReady;
    ready.push_back(first_untaken_);
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
  node.state = JobState::kReady;
  ready.push_back(dependent);
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
  nodes_[dependent].state = JobState::kSkipped;
  --unfinished_;
  skipped.push_back(dependent);
  stack.push_back(dependent);
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

#include "plan/job_graph.hpp"

namespace furrow::plan {

JobId JobGraph::add(const Job& job) {
  nodes_.emplace_back({.job = job});
  ++unfinished_;
  return static_cast<JobId>(nodes_.size() - 1);
}

void JobGraph::depend(JobId job, JobId on) {
  if (nodes_[on].state == JobState::kDone) return;
  edges_.push_back({job, nodes_[on].first_edge});
  nodes_[on].first_edge = static_cast<std::uint32_t>(edges_.size() - 1);
  ++nodes_[job].blockers;
}

std::vector<JobId> JobGraph::take_ready() {
  std::vector<JobId> ready;
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

void JobGraph::finish(JobId job, std::vector<JobId>& ready) {
  nodes_[job].state = JobState::kDone;
  --unfinished_;
  for (std::uint32_t edge = nodes_[job].first_edge; edge != kNoEdge; edge = edges_[edge].next) {
    Node& dependent = nodes_[edges_[edge].dependent];
    if (--dependent.blockers != 0 || dependent.state != JobState::kWaiting) continue;
    dependent.state = JobState::kReady;
    ready.push_back(edges_[edge].dependent);
  }
}

void JobGraph::fail(JobId job, std::vector<JobId>& skipped) {
  nodes_[job].state = JobState::kFailed;
  --unfinished_;
  std::vector<JobId> stack{job};
  while (!stack.empty()) {
    const JobId current = stack.back();
    stack.pop_back();
    for (std::uint32_t edge = nodes_[current].first_edge; edge != kNoEdge; edge = edges_[edge].next) {
      const JobId dependent = edges_[edge].dependent;
      if (nodes_[dependent].state != JobState::kWaiting) continue;
      nodes_[dependent].state = JobState::kSkipped;
      --unfinished_;
      skipped.push_back(dependent);
      stack.push_back(dependent);
    }
  }
}

}  // namespace furrow::plan

// Decides which waiting jobs share a batch, and which batches share a submission. Does no I/O.
//
// The rules are the table "What goes together" in docs/design/cluster.md.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "exec/cluster/cluster_needs.hpp"

namespace furrow::exec {

enum class Packing : std::uint8_t { kAuto, kOne, kArray, kPacked };

struct PlannerOptions {
  Packing packing = Packing::kAuto;
  std::size_t slots = 100;          // how many batches may be added to the queue now
  std::size_t max_array = 1000;     // the most tasks of one array; 0: no arrays
  std::int64_t batch_cores = 4;     // the most cores of a packed allocation, on each of its nodes
  std::int64_t batch_nodes = 1;     // the most nodes of a packed allocation
  std::int64_t node_memory_mb = 0;  // of the smallest node; 0: not known
  TimeLimits time_limits_min{};
  std::size_t most_jobs = 10000;  // in one batch
  double short_s = 300;           // jobs expected to take no longer than this are packed
  double measured_work_s = 600;   // work for each core of a packed batch, if durations are measured
  double declared_work_s = 1800;  // the same if they are declared, and so are upper limits
};

struct WaitingJob {
  const ClusterNeeds* needs;  // borrowed
  double measured_s = 0;      // in this run; 0: not yet
  bool is_alone = false;      // its batch has no other job
  bool takes_turns = false;   // no other job may run in its allocation at the same time
};

struct PlannedBatch {
  std::vector<std::size_t> jobs;  // indices into the waiting jobs
};
struct PlannedSubmission {
  Allocation allocation;  // of each batch; with several nodes, a packed batch has one task on each
  std::vector<PlannedBatch> batches;
  bool is_packed = false;  // batches share their cores among their jobs

  // Of a packed batch's memory on each node, what its jobs may use together; 0: no limit.
  std::int64_t memory_for_jobs_mb() const;
};

// What to submit next: a submission that holds the first waiting job; nullopt if none waits or no slot is
// free.
std::optional<PlannedSubmission> plan_submission(const std::vector<WaitingJob>& waiting,
                                                 const PlannerOptions& options);

// Whether the job is expected to be short, so that it is packed with others.
bool is_short(const WaitingJob& job, const PlannerOptions& options);

}  // namespace furrow::exec

// Which waiting jobs share a batch, and which batches share a submission: decisions, without I/O.
//
// The table in docs/design/cluster.md ("What goes together") is what it does.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "exec/cluster/cluster_needs.hpp"

namespace furrow::exec {

enum class Packing : std::uint8_t { kAuto, kOne, kArray, kPacked };

struct PlannerOptions {
  Packing packing = Packing::kAuto;
  std::size_t slots = 100;          // batches that may be added to the queue now
  std::size_t max_array = 1000;     // tasks of one array; 0: no arrays
  std::int64_t batch_cores = 4;     // of a packed allocation, at most; of each of its nodes
  std::int64_t batch_nodes = 1;     // of a packed allocation, at most
  std::int64_t node_memory_mb = 0;  // of the smallest node; 0: not known
  TimeLimits time_limits_min{};
  std::size_t most_jobs = 10000;  // in one batch
  double short_s = 300;           // what is expected to take no longer is packed
  double measured_work_s = 600;   // work for each core of a packed batch: by measured durations
  double declared_work_s = 1800;  // by declared ones, which are limits
};

struct WaitingJob {
  const ClusterNeeds* needs;  // borrowed
  double measured_s = 0;      // in this run; 0: not yet
  bool is_alone = false;      // its batch has no other job
};

struct PlannedBatch {
  std::vector<std::size_t> jobs;  // places in what was waiting
};
struct PlannedSubmission {
  Allocation allocation;  // of each batch; packed on several nodes, one task on each
  std::vector<PlannedBatch> batches;
  bool is_packed = false;  // batches share their cores among their jobs
};

// What to submit next: a submission that holds the first of WAITING; nothing where there is no slot.
std::optional<PlannedSubmission> plan_submission(const std::vector<WaitingJob>& waiting,
                                                 const PlannerOptions& options);

// Whether JOB is one that is packed.
bool is_short(const WaitingJob& job, const PlannerOptions& options);

}  // namespace furrow::exec

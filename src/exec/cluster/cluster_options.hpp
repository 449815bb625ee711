// The settings of a ClusterExecutor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "exec/batch/batch_spec.hpp"
#include "exec/batch/batch_spool.hpp"
#include "exec/cluster/batch_planner.hpp"

namespace furrow::exec {

struct ClusterOptions {
  std::string spool = kBatchSpool;
  std::string program{};          // path of furrow on the nodes
  std::string directory{};        // where jobs run
  std::string precommand{};       // what a node runs before each batch; empty: nothing
  std::size_t max_batches = 100;  // in the queue at a time
  Packing packing = Packing::kAuto;
  std::int64_t batch_cores = 0;  // of a packed allocation; 0: as many as the smallest node has, at most eight
  std::int64_t batch_nodes = 1;  // the most nodes of a packed allocation; on several, MPI ranks run the jobs
  std::int64_t most_cores = 0;   // the most cores of a packed allocation on a node; 0: no limit
  std::int64_t most_memory_mb = 0;            // the most memory of a packed allocation on a node; 0: no limit
  bool one_each = false;                      // the submit command is user-supplied: one job a batch
  double ask_first_s = 30, ask_most_s = 180;  // between two questions to the batch system
  double look_first_s = 0.1, look_most_s = 5;  // between two looks at the journals
  // How long to wait for a journal that the file system may show late, once a batch has ended.
  double latency_wait_s = 5;
  // How long the system may fail to list a batch until the engine cancels it, and submits it again.
  double patience_s = 300;
  double collect_s = 0.1;      // attempts started within this time may share a batch
  double most_collect_s = 15;  // the same for short jobs, while batches are in flight
  double pause_s = 1;          // between two submissions
  std::string scratch{};       // folder for long output; empty: /tmp
  double cancel_limit_s = 40;  // how long to wait for the ends of cancelled jobs
  std::function<BatchEvaluator()> evaluator{};
};

}  // namespace furrow::exec

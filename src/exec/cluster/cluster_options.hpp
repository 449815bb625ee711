// How a ClusterExecutor goes about its work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "exec/batch/batch_file.hpp"
#include "exec/batch/batch_shelf.hpp"
#include "exec/cluster/batch_planner.hpp"

namespace furrow::exec {

struct ClusterOptions {
  std::string shelf = kBatchShelf;
  std::string program{};          // furrow, as the nodes find it
  std::string directory{};        // where jobs run
  std::size_t max_batches = 100;  // in the queue at a time
  Packing packing = Packing::kAuto;
  std::int64_t batch_cores = 0;  // of a packed allocation; 0: of the smallest node, eight at most
  std::int64_t batch_nodes = 1;  // of a packed allocation, at most; on several, ranks run the jobs
  std::int64_t most_cores = 0;   // that a packed allocation may have on a node; 0: no limit
  std::int64_t most_memory_mb = 0;
  bool one_each = false;  // the batch system's command is the user's: one job a batch
  double ask_first_s = 30, ask_most_s = 180;
  double look_first_s = 0.1, look_most_s = 5;  // at the journals
  double collect_s = 0.1;                      // what is started within this time goes together
  double most_collect_s = 15;                  // for short jobs, while batches are in flight
  double pause_s = 1;                          // between two submissions
  std::string scratch{};                       // for output that is long; empty: /tmp
  double cancel_limit_s = 40;                  // for the ends of cancelled jobs
  std::function<BatchEvaluator()> evaluator{};
};

}  // namespace furrow::exec

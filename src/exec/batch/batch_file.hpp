// A batch: jobs that one allocation of a cluster runs, with their order and their shares of it. Written once
// by the engine, read by the runner on the node and by later engines; docs/design/cluster.md describes the
// format.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/batch_files.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

struct BatchJob {
  std::string key;   // of its record in the store
  std::string name;  // for people
  std::uint64_t identity = 0;
  int attempt = 1;
  std::int64_t cores = 1;
  std::int64_t memory_mb = 0;          // 0: not said
  std::vector<std::uint32_t> after{};  // places in the batch of jobs that must have succeeded
  plan::BatchFiles files{};            // in a group only
  plan::Launch launch;                 // without streams
};

// What `run:` blocks are forked from.
struct BatchEvaluator {
  std::string python{};
  std::string directory{};  // where it is started
  std::string load{};       // the request, as the evaluator takes it; empty: no job needs an evaluator
};

struct Batch {
  std::string id;  // of its submission
  std::uint32_t index = 0;
  std::string group{};         // empty: of no group
  std::string directory;       // where jobs run
  std::int64_t cores = 0;      // 0: what the runner finds
  std::int64_t memory_mb = 0;  // likewise
  double timeout_s = 0;        // of each attempt; 0: none
  double time_s = 0;           // that its allocation has, if it may run other batches, too; 0: it may not
  double longest_s = 0;        // that a job of it may take, as far as its rule says
  bool one_stream = false;     // what jobs print is kept in one piece, in the order in which it came
  BatchEvaluator evaluator{};
  std::vector<BatchJob> jobs;
};

Result<void> write_batch(const std::string& path, const Batch& batch);  // appears whole
Result<Batch> read_batch(const std::string& path);

}  // namespace furrow::exec

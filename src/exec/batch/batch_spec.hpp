// A batch: the jobs that one allocation of a cluster runs, with their order and their shares of it. The
// engine writes it once; the runner on the node and later engines read it. docs/design/cluster.md describes
// the format.
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
  std::string name;  // shown to the user
  std::uint64_t identity = 0;
  int attempt = 1;
  std::int64_t cores = 1;
  std::int64_t memory_mb = 0;          // 0: not specified
  std::vector<std::uint32_t> after{};  // indices of jobs of the batch that must succeed first
  // Jobs with the same number run at once, each after those of them that it lists in `uses`: services that end once
  // nothing uses them. 0: the job runs alone.
  std::uint32_t gang = 0;
  std::vector<std::uint32_t> uses{};
  plan::BatchFiles files{};  // in a group only
  plan::Launch launch;       // without streams
};

// How the runner starts the evaluator from which `run:` blocks are forked.
struct BatchEvaluator {
  std::string python{};
  std::string directory{};  // where it is started
  std::string load{};       // its load request; empty: no job needs an evaluator
  bool operator==(const BatchEvaluator&) const = default;
};

struct BatchSpec {
  std::string id;  // of its submission
  std::uint32_t index = 0;
  std::string group{};         // name of its group; empty: none
  std::string directory;       // where jobs run
  std::int64_t cores = 0;      // 0: what the runner finds
  std::int64_t memory_mb = 0;  // 0: what the runner finds
  double timeout_s = 0;        // of each attempt; 0: none
  double time_s = 0;           // of its allocation, if the runner may also run other batches; 0: it may not
  double longest_s = 0;        // the longest declared duration of its jobs
  bool one_stream = false;     // standard output and standard error of a job are captured as one
  BatchEvaluator evaluator{};
  std::vector<BatchJob> jobs;
};

Result<void> write_batch_spec(const std::string& path,
                              const BatchSpec& batch);  // the file appears with its full content
Result<BatchSpec> read_batch_spec(const std::string& path);

}  // namespace furrow::exec

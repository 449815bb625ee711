// Writes what `benchmark:` measures with Snakemake's columns, as a table or, to a file named *.jsonl, as lines of JSON.
// What was not measured is "-" or null.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "plan/executor.hpp"
#include "workflow/rules/evaluator.hpp"

namespace furrow::workflow {

// What --benchmark-extended adds.
struct BenchmarkedJob {
  std::int64_t number = 0;
  std::string rule{};
  std::vector<std::pair<std::string, std::string>> wildcards{}, params{};
  std::int64_t threads = 1;
  std::vector<std::pair<std::string, ResourceValue>> resources{};
  std::vector<std::pair<std::string, double>> input_mb{};  // the sizes of the inputs
};

// RUNS: one line for each. JOB: null unless its facts are wanted, too.
Result<void> write_benchmark(const std::string& path, std::span<const plan::Usage> runs,
                             const BenchmarkedJob* job = nullptr);

}  // namespace furrow::workflow

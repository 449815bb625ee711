// Writes the table of `benchmark:` with Snakemake's columns; "-" stands for a value that was not measured.
#pragma once

#include <string>

#include "base/error.hpp"
#include "plan/executor.hpp"

namespace furrow::workflow {

Result<void> write_benchmark(const std::string& path, const plan::Usage& usage);

}  // namespace furrow::workflow

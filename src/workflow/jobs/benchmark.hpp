// The table that `benchmark:` asks for, with the columns that Snakemake gives it; "-" where nobody measured.
#pragma once

#include <string>

#include "base/error.hpp"
#include "plan/executor.hpp"

namespace furrow::workflow {

Result<void> write_benchmark(const std::string& path, const plan::Usage& usage);

}  // namespace furrow::workflow

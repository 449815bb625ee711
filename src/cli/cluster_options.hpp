// Which options about where jobs run can have an effect together, for `furrow run` and `furrow map`.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "exec/executor_table.hpp"

namespace furrow::cli {

// Checks the value of --packing.
Result<void> check_packing(std::string_view name);

// Checks that the GIVEN options ("--batch-nodes") can have an effect with these settings; an error names one
// that cannot, and says what to do. Leave out options from profiles, which people share between machines with
// a cluster and without.
Result<void> check_effects(const exec::ExecutorSettings& settings, const std::set<std::string>& given);

}  // namespace furrow::cli

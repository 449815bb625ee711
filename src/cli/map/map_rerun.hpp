// The advice at the end of a `furrow map` with failed jobs: a command that runs exactly those again, under the
// same options and with the same numbers and seeds; or, where no line can say that, the way to get there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/map/map_command_options.hpp"
#include "cli/map/map_plan.hpp"
#include "command/arguments.hpp"

namespace furrow::cli {

struct FailedInput {
  command::Arguments values;
  std::uint32_t occurrence = 0;  // among jobs with equal values, where that is known
};

// One line, with its newline. FAILED: all failed jobs; empty if they are too many. NAMES of the columns.
std::string rerun_advice(const MapCommandOptions& options, const MapPlan& plan,
                         const std::vector<std::string>& names, const std::vector<FailedInput>& failed);

}  // namespace furrow::cli

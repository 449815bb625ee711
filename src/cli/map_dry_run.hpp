// `furrow map --dry-run`: the commands, one a line, and nothing runs.
#pragma once

#include "cli/map_plan.hpp"

namespace furrow::cli {

int dry_run_map(const MapOptions& options, MapPlan& plan);

}  // namespace furrow::cli

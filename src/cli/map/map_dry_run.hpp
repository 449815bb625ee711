// `furrow map --dry-run`: the commands, one a line, and nothing runs. With --resume and its kin, those that
// would run.
#pragma once

#include "cli/map/map_plan.hpp"

namespace furrow::cli {

int dry_run_map(const MapOptions& options, MapPlan& plan);

}  // namespace furrow::cli

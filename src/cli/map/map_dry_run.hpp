// `furrow map --dry-run`: prints the commands, one per line, and runs nothing. With --resume, --resume-failed
// and --retry-failed, prints only those that would run.
#pragma once

#include "cli/map/map_plan.hpp"

namespace furrow::cli {

int dry_run_map(const MapCommandOptions& options, MapPlan& plan);

}  // namespace furrow::cli

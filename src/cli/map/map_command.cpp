#include "cli/map/map_command.hpp"

#include <cstdio>

#include "cli/map/map_dry_run.hpp"
#include "cli/report_error.hpp"

namespace furrow::cli {

int map_command(const std::vector<std::string>& arguments, RankSession* ranks) {
  auto options = read_map_options(arguments);
  if (!options) {
    std::FILE* const stream = options.error().code == 0 ? stdout : stderr;
    print_message(stream, options.error().text);
    return options.error().code;
  }
  if (!options->dry_run) return run_map(std::move(*options), ranks);
  auto plan = plan_map(*options, ranks);
  if (plan) return dry_run_map(*options, *plan);
  report_error(plan.error());
  return 255;
}

}  // namespace furrow::cli

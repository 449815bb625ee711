#include <cstdio>

#include "cli/map_command.hpp"

namespace furrow::cli {

int run_map(MapOptions) {
  std::fputs("furrow map: only --dry-run is there yet\n", stderr);
  return 255;
}

}  // namespace furrow::cli

// The options of `furrow map` as given, before they are checked together.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/map/map_command_options.hpp"

namespace furrow::cli {

struct MapParsedArgs {
  MapCommandOptions map;
  std::vector<command::SourceSpec> argument_files;  // -a
  std::string argument_separator = ":::", file_separator = "::::";
  std::optional<std::uint64_t> max_args, max_replace_args, lines;  // -n, -N, -L
  bool many = false, many_with_context = false, xargs = false;     // -m, -X, --xargs
  std::optional<command::Trim> trim;
  std::string header;
  bool record_end_given = false, block_given = false;
  bool group = false, ungroup = false, line_buffer = false;
  std::set<std::string> given;  // options for a cluster that were given
  bool help = false;
};

// Combines the options; an error names those that cannot be combined.
Result<MapCommandOptions> finish(MapParsedArgs args);

}  // namespace furrow::cli

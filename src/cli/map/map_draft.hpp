// What the options of `furrow map` say, before it is known how they go together.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/map/map_options.hpp"

namespace furrow::cli {

struct MapDraft {
  MapOptions map;
  std::vector<command::SourceSpec> argument_files;  // -a
  std::string argument_separator = ":::", file_separator = "::::";
  std::optional<std::uint64_t> max_args, max_replace_args, lines;  // -n, -N, -L
  bool many = false, many_with_context = false, xargs = false;     // -m, -X, --xargs
  std::optional<command::Trim> trim;
  std::string header;
  bool record_end_given = false, block_given = false;
  bool group = false, ungroup = false, line_buffer = false;
  std::set<std::string> given;  // of the options for a cluster
  bool help = false;
};

// Puts them together; an error says which do not go together.
Result<MapOptions> finish(MapDraft draft);

}  // namespace furrow::cli

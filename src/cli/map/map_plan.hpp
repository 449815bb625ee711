// The plan of a `furrow map`, made before anything runs: the inputs are opened, and every template of the
// options is parsed.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "cli/map/map_command_options.hpp"
#include "cli/rank_session.hpp"
#include "command/input/input_source.hpp"
#include "command/template/template.hpp"

namespace furrow::cli {

struct MapPlan {
  command::CommandTemplate command;
  // Null with --pipe and --pipe-part.
  std::unique_ptr<command::InputSource> inputs;
  // -j on this machine, or on all ranks.
  unsigned slots = 1;
  // Of the ranks, if there are several.
  std::vector<exec::RankShare> shares;
  // Number of jobs, if all input had to be read first.
  std::optional<std::uint64_t> total;
  // Whether {seed} is used somewhere.
  bool needs_identities = false;

  // Rendered like the command, but not quoted.
  std::optional<command::CommandTemplate> tag, results, directory, retries;
  std::vector<command::CommandTemplate> outputs;
};

// Reads the header of the inputs, or all inputs if OPTIONS need their number ({##}, --bar, --eta, --halt with
// a percentage). RANKS is set if a launcher has started several processes; null: this process is alone.
Result<MapPlan> plan_map(const MapCommandOptions& options, RankSession* ranks);

}  // namespace furrow::cli

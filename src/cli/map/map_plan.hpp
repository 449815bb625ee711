// What `furrow map` will run, before anything runs: the inputs opened, and every template of the options
// parsed.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "cli/map/map_options.hpp"
#include "cli/ranks.hpp"
#include "command/input/input_source.hpp"
#include "command/template/template.hpp"

namespace furrow::cli {

struct MapPlan {
  command::CommandTemplate command;
  std::unique_ptr<command::InputSource> inputs;  // none with --pipe and --pipe-part
  unsigned slots = 1;                            // -j on this machine, or on all ranks
  std::vector<exec::RankShare> shares;           // of the ranks, where there are several
  std::optional<std::uint64_t> total;            // jobs, where all input had to be read first
  bool needs_identities = false;                 // {seed} is used somewhere

  // Rendered like the command, but not quoted.
  std::optional<command::CommandTemplate> tag, results, directory, retries;
  std::vector<command::CommandTemplate> outputs;
};

// Reads the header of the inputs, or all of them where OPTIONS need their number ({##}, --bar, --eta, --halt
// with a percentage).
// RANKS: where a launcher has started several; null: this process is alone.
Result<MapPlan> plan_map(const MapOptions& options, Ranks* ranks);

}  // namespace furrow::cli

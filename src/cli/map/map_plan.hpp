// The plan of a `furrow map`, made before anything runs: the inputs are opened, and every template of the
// options is parsed.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "cli/map/job_shell.hpp"
#include "cli/map/map_command_options.hpp"
#include "cli/rank_session.hpp"
#include "command/input/input_source.hpp"
#include "command/template/template.hpp"

namespace furrow::cli {

// Where --output keeps its records, as workflows do.
inline constexpr const char* kStoreFolder = ".furrow";

struct MapPlan {
  command::CommandTemplate command;
  JobShell shell;
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
  // Whether the command depends on the job's number, so that it cannot be given again with other jobs missing.
  bool uses_number = false;
  // Whether an option other than the command depends on the job's values, number or seed.
  bool has_texts_of_jobs = false;

  // Rendered like the command, but not quoted.
  std::optional<command::CommandTemplate> tag, results, directory, retries;
  std::vector<command::CommandTemplate> outputs;
};

// Reads the header of the inputs, or all inputs if OPTIONS need their number ({##}, --bar, --eta, --halt with
// a percentage). RANKS is set if a launcher has started several processes; null: this process is alone.
Result<MapPlan> plan_map(const MapCommandOptions& options, RankSession* ranks);

// Fails if --retry-failed has no log to take jobs from.
Result<void> check_log_to_retry(const MapCommandOptions& options);

}  // namespace furrow::cli

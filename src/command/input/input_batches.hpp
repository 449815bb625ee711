// Several records for one job: -n, -N, -L, -m, -X, -s.
#pragma once

#include <memory>

#include "command/input/input_source.hpp"
#include "command/template/template.hpp"

namespace furrow::command {

// RECORDS in batches that fit into the command line that COMMAND makes of them. RECORDS itself
// where one record is one job and nothing limits the length.
std::unique_ptr<InputSource> make_batches(std::unique_ptr<InputSource> records,
                                          const CommandTemplate& command, const BatchOptions& options);

// All jobs' values, read into memory so that they can be counted ({##}, percentages of --halt, --eta). Blocks
// until the input ends.
struct CountedInputs {
  std::unique_ptr<InputSource> inputs;
  std::uint64_t total;
};
Result<CountedInputs> count_inputs(std::unique_ptr<InputSource> inputs);

}  // namespace furrow::command

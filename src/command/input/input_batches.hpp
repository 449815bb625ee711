// Several records per job: -n, -N, -L, -m, -X, -s.
#pragma once

#include <memory>

#include "command/input/input_source.hpp"
#include "command/template/template.hpp"

namespace furrow::command {

// Groups RECORDS into batches; the command line that COMMAND makes of a batch must fit the limits. Returns
// RECORDS itself if each job takes one record and nothing limits the length.
std::unique_ptr<InputSource> make_input_batches(std::unique_ptr<InputSource> records,
                                                const CommandTemplate& command,
                                                const InputBatchOptions& options);

// The values of all jobs, read into memory so that they can be counted ({##}, percentages of --halt, --eta).
// Blocks until the input ends.
struct CountedInputs {
  std::unique_ptr<InputSource> inputs;
  std::uint64_t total;
};
Result<CountedInputs> count_inputs(std::unique_ptr<InputSource> inputs);

}  // namespace furrow::command

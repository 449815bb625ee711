// The jobs' input values, pulled one job at a time. Memory is constant where the input allows it: if several
// sources are multiplied, all but the first are kept in memory, and with --shuf all of them.
//
// Never blocks on a pipe or a terminal: `next` returns kNotYet, and `descriptor` gives what to watch until it
// is worth asking again. Regular files are read at once. Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "command/arguments.hpp"
#include "command/input/input_options.hpp"

namespace furrow::command {

enum class Pull : std::uint8_t { kValue, kEnd, kNotYet };

class InputSource {
 public:
  virtual ~InputSource() = default;
  // kValue: OUT, cleared first, holds the values of the next job. kEnd is final. An error names the source
  // and the record.
  virtual Result<Pull> next(Arguments& out) = 0;
  // After kNotYet: readable when it is worth calling `next` again.
  virtual int descriptor() const = 0;
  // The names of the columns (--header); empty if there are none. Known from the start.
  virtual const std::vector<std::string>& names() const = 0;
};

// Opens all sources and reads the header. Yields the values of single records; for -n, -N, -L, -m, -X, -s see
// make_input_batches (input_batches.hpp).
Result<std::unique_ptr<InputSource>> open_inputs(const InputOptions& options);

}  // namespace furrow::command

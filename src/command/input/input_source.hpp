// The jobs' input values, pulled one job at a time, in constant memory where the input allows it: of several
// sources that are multiplied all but the first are kept, with --shuf all.
//
// Never blocks on a pipe or a terminal: `next` says kNotYet, and `descriptor` what to watch until it is worth
// asking again. Regular files are read at once. Not thread-safe.
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
  // kValue: OUT, emptied first, holds the values of the next job. kEnd is final. An error names the source
  // and the record.
  virtual Result<Pull> next(Arguments& out) = 0;
  // After kNotYet: readable when `next` is worth calling again.
  virtual int descriptor() const = 0;
  // Names of the columns (--header); empty where there is none. Known from the start.
  virtual const std::vector<std::string>& names() const = 0;
};

// Opens all sources and reads the header. The values of single records: see make_batches (input_batches.hpp)
// for -n, -N, -L, -m, -X, -s.
Result<std::unique_ptr<InputSource>> open_inputs(const InputOptions& options);

}  // namespace furrow::command

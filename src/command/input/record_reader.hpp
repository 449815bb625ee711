// The records of one source (a file, a pipe or a list of values), one at a time.
//
// A descriptor other than a regular file is read only when it has data, so a call never waits.
#pragma once

#include "base/error.hpp"
#include "command/arguments.hpp"
#include "command/input/input_source.hpp"

namespace furrow::command {

class RecordReader {
 public:
  virtual ~RecordReader() = default;
  // kValue: the record's columns were appended to OUT.
  virtual Result<Pull> next(Arguments& out) = 0;
  virtual int descriptor() const { return -1; }
};

}  // namespace furrow::command

// The records of one source, one at a time: of a file, a pipe or a list of values.
//
// A descriptor that is no regular file is only read when it has something to give, so that nobody waits here.
#pragma once

#include "base/error.hpp"
#include "command/arguments.hpp"
#include "command/input/input_source.hpp"

namespace furrow::command {

class RecordReader {
 public:
  virtual ~RecordReader() = default;
  // kValue: OUT is the record's columns, appended to what is there.
  virtual Result<Pull> next(Arguments& out) = 0;
  virtual int descriptor() const { return -1; }
};

}  // namespace furrow::command

// The records of one source, one at a time: of a file, a pipe or a list of values.
//
// A descriptor that is no regular file is only read when it has something to give, so that nobody waits here.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "command/input_options.hpp"
#include "command/input_source.hpp"

namespace furrow::command {

class RecordReader {
 public:
  virtual ~RecordReader() = default;
  // kValue: OUT is the record's columns, appended to what is there.
  virtual Result<Pull> next(Arguments& out) = 0;
  virtual int descriptor() const { return -1; }
};

// The reader for one source, as OPTIONS cut it; an error names the file.
Result<std::unique_ptr<RecordReader>> open_reader(const SourceSpec& source, const InputOptions& options);

}  // namespace furrow::command

// Opens the records of a source, whatever their format.
#pragma once

#include <memory>

#include "command/input/input_options.hpp"
#include "command/input/record_reader.hpp"

namespace furrow::command {

// The reader for one source, split as OPTIONS say; an error names the file.
Result<std::unique_ptr<RecordReader>> open_reader(const SourceSpec& source, const InputOptions& options);

}  // namespace furrow::command

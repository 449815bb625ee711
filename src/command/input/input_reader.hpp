// Opens the records of a source, in whatever form they are.
#pragma once

#include <memory>

#include "command/input/input_options.hpp"
#include "command/input/record_reader.hpp"

namespace furrow::command {

// The reader for one source, as OPTIONS cut it; an error names the file.
Result<std::unique_ptr<RecordReader>> open_reader(const SourceSpec& source, const InputOptions& options);

}  // namespace furrow::command

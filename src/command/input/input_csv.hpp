// Records of comma-separated values, as libcsv reads them: quoted fields may contain separators, doubled
// quotes and newlines.
#pragma once

#include <memory>

#include "command/input/input_options.hpp"
#include "command/input/record_reader.hpp"

namespace furrow::command {

Result<std::unique_ptr<RecordReader>> open_csv_reader(const SourceSpec& source, const InputOptions& options);

}  // namespace furrow::command

// Opens what `::::` and -a name.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "command/input_bytes.hpp"

namespace furrow::command {

// "-": standard input.
Result<std::unique_ptr<ByteReader>> open_bytes(const std::string& path);

}  // namespace furrow::command

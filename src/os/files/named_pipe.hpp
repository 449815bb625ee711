// Named pipes (mkfifo). Thread-safe.
#pragma once

#include <string>

#include "base/error.hpp"

namespace furrow::os {

// Replaces what is at PATH, a file or a link, but no folder.
Result<void> make_named_pipe(const std::string& path);
bool is_named_pipe(const std::string& path);  // not a link to one
// Removes PATH if it is a named pipe.
void remove_named_pipe(const std::string& path);

}  // namespace furrow::os

// Files of /proc, which have no size and may go while they are read.
#pragma once

#include <string>

namespace furrow::os {

// The content of NAME, a path below the open folder PROC. IS_READABLE: it could be read to its end.
std::string read_proc_file(int proc, const std::string& name, bool& is_readable);

}  // namespace furrow::os

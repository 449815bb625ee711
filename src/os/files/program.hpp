// Which program this process runs.
#pragma once

#include <string>

namespace furrow::os {

std::string program_path();  // absolute; empty if /proc does not say

}  // namespace furrow::os

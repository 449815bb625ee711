// Files that other computers make on a network file system.
//
// A name that was looked for in vain can stay unknown to such a file system for a minute, even if its folder is
// listed. Thread-safe.
#pragma once

#include <string>

namespace furrow::os {

// Makes the file system ask its server again, if the file is listed in its folder but seems to be missing.
void look_again(const std::string& path);

}  // namespace furrow::os

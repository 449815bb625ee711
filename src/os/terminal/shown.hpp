// Messages on a terminal.
#pragma once

#include <string>

namespace furrow::os {

// What to write to FD for a message: on a terminal printable(TEXT), elsewhere TEXT itself.
std::string shown_on(int fd, std::string text);

}  // namespace furrow::os

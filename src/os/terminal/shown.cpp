#include "os/terminal/shown.hpp"

#include <unistd.h>

#include "base/printable.hpp"

namespace furrow::os {

std::string shown_on(int fd, std::string text) { return ::isatty(fd) != 0 ? printable(text) : text; }

}  // namespace furrow::os

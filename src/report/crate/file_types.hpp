// Media types of files, by their names.
#pragma once

#include <string_view>

namespace furrow::report {

// application/octet-stream if it is not known: that is always true.
std::string_view media_type_of(std::string_view path);

}  // namespace furrow::report

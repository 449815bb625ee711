// The text of `furrow map --help`: two screens, examples first.
#pragma once

#include <string>

namespace furrow::cli {

std::string map_help();

}  // namespace furrow::cli

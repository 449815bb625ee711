// Variables of the environment in texts of the user.
#pragma once

#include <string>

namespace furrow::cli {

// TEXT with $NAME and ${NAME} replaced by variables that are set; others stay as they are.
std::string expand_variables(const std::string& text);

}  // namespace furrow::cli

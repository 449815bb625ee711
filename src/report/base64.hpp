#pragma once

#include <string>
#include <string_view>

namespace furrow::report {

std::string base64(std::string_view bytes);

}  // namespace furrow::report

// The page docs/options.md: what each option of `furrow run` does, from the tables of options.
#pragma once

#include <string>

namespace furrow::cli {

std::string option_page();

}  // namespace furrow::cli

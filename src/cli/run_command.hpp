// `furrow run`: arguments in, exit code out.
#pragma once

#include <string>
#include <vector>

namespace furrow::cli {

// 0: all is made; 1: something could not be done; 2: the arguments are wrong.
int run_command(const std::vector<std::string>& arguments);

}  // namespace furrow::cli

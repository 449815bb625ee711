// `furrow run`: arguments in, exit code out.
#pragma once

#include <string>
#include <vector>

namespace furrow::cli {

class Ranks;

// RANKS: where a launcher has started several; null: this process is alone.
// 0: all is made; 1: something could not be done; 2: the arguments are wrong.
int run_command(const std::vector<std::string>& arguments, Ranks* ranks = nullptr);

}  // namespace furrow::cli

// `furrow run`: takes the arguments and returns the exit code.
#pragma once

#include <string>
#include <vector>

namespace furrow::cli {

class RankSession;

// RANKS is set if a launcher has started several processes; null: this process is alone.
// 0: everything is made; 1: something failed; 2: the arguments are wrong.
int run_command(const std::vector<std::string>& arguments, RankSession* ranks = nullptr);

}  // namespace furrow::cli

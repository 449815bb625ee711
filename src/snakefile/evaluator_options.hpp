// What an evaluator is started with, and what it may want of the engine.
#pragma once

#include <functional>
#include <string>

#include "snakefile/encoder.hpp"
#include "snakefile/frame_decoder.hpp"

namespace furrow::snakefile {

struct EvaluatorOptions {
  std::string python{};     // --python; empty: FURROW_PYTHON, else the first python3 on PATH
  std::string evaluator{};  // the folder of main.py; empty: FURROW_EVALUATOR, else beside this program
  int guard_fd =
      -1;  // the guard's table, for children to write their pids in; borrowed for the call; -1: none
  std::function<Result<GlobAnswer>(const GlobQuestion&)> glob{};  // answers glob_wildcards
  std::function<bool()> stopping{};                               // polled while a call blocks; true ends it
  int stop_fd = -1;  // wakes a blocking call when it becomes readable; borrowed; -1: none
};

}  // namespace furrow::snakefile

// How an evaluator is started, and the functions by which the engine serves it.
#pragma once

#include <functional>
#include <string>

#include "snakefile/encoder.hpp"
#include "snakefile/frame_decoder.hpp"

namespace furrow::snakefile {

struct EvaluatorOptions {
  std::string python{};     // --python; empty: FURROW_PYTHON, else the first python3 on PATH
  std::string evaluator{};  // the folder of main.py; empty: FURROW_EVALUATOR, else beside this program
  // The watchdog's table, in which children write their pids; borrowed for the call; -1: none.
  int watchdog_fd = -1;
  std::string run{};  // the id in the cookie of its children; empty: they have none
  std::function<Result<GlobAnswer>(const GlobQuestion&)> glob{};  // answers glob_wildcards
  std::function<bool()> stopping{};  // polled while a call blocks; true ends the call
  int stop_fd = -1;                  // wakes a blocking call when it becomes readable; borrowed; -1: none
};

}  // namespace furrow::snakefile

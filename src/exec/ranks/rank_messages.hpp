// The payloads of records between ranks that are JSON: what a rank has, what a run's jobs have in common, an
// attempt, its end. docs/design/cluster.md lists their members. Thread-safe: no state.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exec/batch/batch_file.hpp"
#include "exec/local/local_executor.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

// What a rank says of itself.
struct RankFigures {
  std::string version{};  // of furrow
  std::string host{};
  std::int64_t cores = 1, threads = 1;  // its share of the computer: cores, hardware threads
  std::int64_t memory_mb = 0;           // likewise; 0: not known
};

struct RankSetup {
  std::string directory{};                 // where jobs run
  std::vector<std::string> environment{};  // rank 0's: "NAME=value"
  std::int64_t cores = 1, memory_mb = 0;   // that jobs may use at a time; 0: no limit
  bool one_stream = false;                 // standard output and error are kept in one piece
  bool as_it_comes = false;                // output is sent as it comes
  std::vector<LocalOptions::Step> ending{};
  BatchEvaluator evaluator{};
};

struct RankStart {
  std::int64_t cores = 1, memory_mb = 0;
  double timeout_s = 0;
  bool has_input = false;  // it follows
  plan::Launch launch{};
};

std::string write_figures(const RankFigures& figures);
RankFigures read_figures_of_rank(std::string_view text);
std::string write_setup(const RankSetup& setup);
RankSetup read_setup(std::string_view text);
std::string write_start(const RankStart& start);
RankStart read_start(std::string_view text);
std::string write_exit(const plan::Exit& exit);
plan::Exit read_exit(std::string_view text);

}  // namespace furrow::exec

// The JSON payloads of records between ranks: what a rank has, what all jobs of a run have in common, an
// attempt, its exit. docs/design/cluster.md lists their members. Thread-safe: no state.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exec/batch/batch_spec.hpp"
#include "exec/local/local_options.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

// What a rank reports about itself.
struct RankFigures {
  std::string version{};  // of furrow
  std::string host{};
  std::int64_t cores = 1, threads = 1;  // its share of the computer: cores, hardware threads
  std::int64_t memory_mb = 0;           // its share too; 0: not known
};

struct RankSetup {
  std::string directory{};                 // where jobs run
  std::vector<std::string> environment{};  // of rank 0: "NAME=value"
  std::string run_id{};                    // in the cookie of jobs; empty: they have none
  std::int64_t cores = 1, memory_mb = 0;   // what jobs may use at a time; memory 0: no limit
  bool one_stream = false;                 // standard output and error are one stream
  bool as_it_comes = false;                // output is sent while the job runs
  std::vector<LocalOptions::Step> ending{};
  BatchEvaluator evaluator{};
};

struct RankStart {
  std::int64_t cores = 1, memory_mb = 0;
  double timeout_s = 0;
  bool has_input = false;  // standard input follows, as kInput records
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

// The arguments of `furrow map`, read: GNU parallel's grammar and names, so that habits and scripts carry
// over.
//
//   furrow map [OPTION...] [COMMAND [ARGUMENT...]] [::: VALUE... | :::+ VALUE... | :::: FILE... | ::::+
//   FILE...]...
//
// Options end at the command.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "cli/run/run_options.hpp"  // Leave
#include "command/input/input_options.hpp"
#include "command/input/record_splitter.hpp"
#include "command/template/template.hpp"

namespace furrow::cli {

// -j and --load: "8", "+2", "-1", "50%"; a file's name, whose content is one of these.
struct Count {
  enum class Kind : std::uint8_t { kNumber, kPercent, kMore, kLess };
  Kind kind = Kind::kPercent;
  double value = 100;
  double of(unsigned cores) const;      // may be 0 or below
  unsigned jobs(unsigned cores) const;  // at least 1; "0" is as many as possible: see kMostJobs
};
inline constexpr unsigned kMostJobs = 1000;

struct Halt {
  enum class When : std::uint8_t { kNever, kSoon, kNow };
  enum class Why : std::uint8_t { kFail, kSuccess, kDone };
  When when = When::kNever;
  Why why = Why::kFail;
  double limit = 0;  // jobs, or percent of them
  bool percent = false;
  bool of_all =
      true;  // percent of all jobs (now,fail=3%), else of those done so far, at least 3 failed (the old "3%")
};

struct SignalStep {
  int signal;
  double wait_s;  // then the next step
};

struct MapOptions {
  std::vector<std::string> command;  // empty: each input is a command
  command::InputOptions inputs;
  command::BatchOptions batches;       // `slots` is for the caller to set
  command::TemplateOptions templates;  // `names` likewise

  // How much at a time
  ClusterSettings cluster;
  std::vector<std::pair<std::string, std::string>> cluster_resources;  // what each job asks Slurm for
  Count jobs;  // of the physical cores that this process may use
  std::optional<Count> load;
  std::uint64_t memfree = 0;  // bytes; 0: do not look
  double delay_s = 0;
  bool delay_auto = false;

  // What is printed
  enum class Grouping : std::uint8_t { kGroup, kLine, kNone };
  Grouping grouping = Grouping::kGroup;
  bool keep_order = false;
  bool tag = false;                      // --tag; or:
  std::optional<std::string> tagstring;  // a template
  bool dry_run = false;
  bool print_commands = false;         // -v: on standard output, before the job's own
  bool print_commands_to_err = false;  // -t, --verbose
  bool bar = false, progress = false, eta = false, quiet = false;
  std::optional<std::uint64_t> total_jobs;

  // What is kept
  // a folder, a template, or NAME.csv, .tsv, .json; "-.csv" and so on: standard output
  std::optional<std::string> results;
  std::optional<std::string> joblog;  // without the '+'
  bool joblog_append = false;
  bool joblog_usage = false;  // --joblog-usage: peak memory and CPU time at the end of the line
  bool resume = false, resume_failed = false, retry_failed = false;
  std::vector<std::string> outputs;  // --output: templates of the files that a job makes

  // What happens to a job
  Halt halt;
  std::string retries = "1";  // a number, or a template; "0": without end
  double timeout_s = 0;
  double timeout_percent = 0;  // of the median of the successful jobs
  std::vector<SignalStep> term_sequence;
  std::optional<int> nice;
  std::optional<std::string> directory;             // --wd: a template
  std::string slot_variable = "PARALLEL_JOBSLOT0";  // --process-slot-var
  std::string shell;                                // --shell; empty: PARALLEL_SHELL, SHELL, /bin/sh
  std::string temporary_directory;                  // --tmpdir
  std::uint64_t seed = 0;                           // --seed

  // Blocks of a stream in place of values
  enum class Pipe : std::uint8_t { kNo, kPipe, kParts };
  Pipe pipe = Pipe::kNo;
  command::SplitOptions split;
  std::int64_t blocks_per_slot = 0;  // --block -N with --pipe-part
};

// ARGUMENTS without the program's and the subcommand's name.
tl::expected<MapOptions, Leave> read_map_options(const std::vector<std::string>& arguments);

// The name by which help and manual speak of each option: "--keep-order", "-X".
std::vector<std::string> map_option_names();

}  // namespace furrow::cli

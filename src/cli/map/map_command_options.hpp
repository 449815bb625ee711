// The parsed arguments of `furrow map`: GNU parallel's grammar and names, so that habits and scripts carry
// over.
//
//   furrow map [OPTION...] [COMMAND [ARGUMENT...]]
//              [::: VALUE... | :::+ VALUE... | :::: FILE... | ::::+ FILE...]...
//
// Options end at the command.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "cli/run/run_options.hpp"  // EarlyExit
#include "command/input/input_options.hpp"
#include "command/input/record_splitter.hpp"
#include "command/template/template.hpp"

namespace furrow::cli {

// The value of -j and --load: "8", "+2", "-1", "50%", or the name of a file that contains one of these.
struct Count {
  enum class Kind : std::uint8_t { kNumber, kPercent, kMore, kLess };
  Kind kind = Kind::kPercent;
  double value = 100;
  double of(unsigned cores) const;      // may be 0 or negative
  unsigned jobs(unsigned cores) const;  // at least 1; "0" means as many as possible: kMostJobs
};
inline constexpr unsigned kMostJobs = 1000;

struct Halt {
  enum class When : std::uint8_t { kNever, kSoon, kNow };
  enum class Why : std::uint8_t { kFail, kSuccess, kDone };
  When when = When::kNever;
  Why why = Why::kFail;
  // Number of jobs, or percentage of them.
  double limit = 0;
  bool percent = false;
};

struct SignalStep {
  int signal;
  double wait_s;  // before the next step
};

struct RepeatedOption {
  std::string name;   // the first long one, without dashes
  std::string words;  // as given, quoted for a shell
};

struct MapCommandOptions {
  std::vector<std::string> command;  // empty: each input is a command
  command::InputOptions inputs;
  command::InputBatchOptions batches;  // the caller sets `slots`
  command::TemplateOptions templates;  // the caller sets `names`

  // The options that the command to run failed jobs again has, too.
  std::vector<RepeatedOption> repeated;

  // How many jobs at a time
  exec::ExecutorSettings executor;
  // What each job requests from Slurm.
  std::vector<std::pair<std::string, std::string>> cluster_resources;
  // Relative to the physical cores that this process may use.
  Count jobs;
  std::optional<Count> load;
  // In bytes; 0: no check.
  std::uint64_t memfree = 0;
  double delay_s = 0;
  bool delay_auto = false;

  // What is printed
  enum class Grouping : std::uint8_t { kGroup, kLine, kNone };
  Grouping grouping = Grouping::kGroup;
  bool keep_order = false;
  // --tag
  bool tag = false;
  // --tagstring: a template.
  std::optional<std::string> tagstring;
  bool dry_run = false;
  // -v: on standard output, before the job's own output.
  bool print_commands = false;
  // -t, --verbose
  bool print_commands_to_err = false;
  bool bar = false, progress = false, eta = false, quiet = false;
  std::optional<std::uint64_t> total_jobs;

  // What is kept
  // A folder, a template, or NAME.csv, .tsv, .json; "-.csv" and so on mean standard output.
  std::optional<std::string> results;
  // --trace: a file; empty: none.
  std::string trace;
  // Without the '+'.
  std::optional<std::string> joblog;
  bool joblog_append = false;
  // --joblog-usage: peak memory and CPU time at the end of each line.
  bool joblog_usage = false;
  bool resume = false, resume_failed = false, retry_failed = false;
  // --output: templates of the files that a job makes.
  std::vector<std::string> outputs;

  // What happens to a job
  Halt halt;
  // A number, or a template; "0": without limit.
  std::string retries = "1";
  double timeout_s = 0;
  // Percentage of the median of the successful jobs.
  double timeout_percent = 0;
  std::vector<SignalStep> term_sequence;
  std::optional<int> nice;
  // --wd: a template.
  std::optional<std::string> directory;
  // --process-slot-var
  std::string slot_variable = "PARALLEL_JOBSLOT0";
  // --shell; empty: see job_shell.hpp.
  std::string shell;
  // --tmpdir
  std::string temporary_directory;
  // --seed
  std::uint64_t seed = 0;

  // Blocks of a stream instead of values
  enum class Pipe : std::uint8_t { kNo, kPipe, kParts };
  Pipe pipe = Pipe::kNo;
  command::SplitOptions split;
  std::int64_t blocks_per_slot = 0;  // --block -N with --pipe-part
};

// ARGUMENTS without the names of program and subcommand.
tl::expected<MapCommandOptions, EarlyExit> read_map_options(const std::vector<std::string>& arguments);

}  // namespace furrow::cli

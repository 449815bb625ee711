#include "cli/map/map_option_table.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.hpp"
#include "cli/map/map_values.hpp"
#include "exec/cluster/slurm_options.hpp"

namespace furrow::cli {

namespace {

using command::SourceSpec;
using command::Trim;

using Set = Result<void>;

MapOption flag(std::string_view names, void (*set)(MapParsedArgs&)) {
  return {names, Takes::kNothing, [set](MapParsedArgs& args, const std::string&) -> Set {
            set(args);
            return {};
          }};
}

MapOption text(std::string_view names, void (*set)(MapParsedArgs&, const std::string&)) {
  return {names, Takes::kValue, [set](MapParsedArgs& args, const std::string& value) -> Set {
            set(args, value);
            return {};
          }};
}

// A value that PARSE may refuse.
template <class T>
MapOption parsed(std::string_view names, Result<T> (*parse)(std::string_view),
                 void (*set)(MapParsedArgs&, T)) {
  return {names, Takes::kValue, [parse, set](MapParsedArgs& args, const std::string& value) -> Set {
            auto result = FURROW_TRY(parse(value));
            set(args, std::move(result));
            return {};
          }};
}

Result<std::uint64_t> whole_size(std::string_view text) {
  constexpr double kMost = 9e18;
  const double size = FURROW_TRY(parse_size(text));
  if (size > kMost) return fail(std::string(text) + " is too large");
  return static_cast<std::uint64_t>(size);
}

Result<Count> count(std::string_view text) { return parse_count(std::string(text)); }

Result<Trim> trim(std::string_view text) {
  if (text == "n") return Trim::kNone;
  if (text == "l") return Trim::kLeft;
  if (text == "r") return Trim::kRight;
  if (text == "lr" || text == "rl") return Trim::kBoth;
  return fail(std::string(text) + " is not one of n, l, r, lr");
}

Set set_timeout(MapParsedArgs& args, const std::string& value) {
  if (value.ends_with('%')) {
    const auto percent = parse_integer(std::string_view(value).substr(0, value.size() - 1));
    if (!percent || *percent <= 0) return fail(value + " is not a percentage");
    args.map.timeout_percent = static_cast<double>(*percent);
    return {};
  }
  const auto seconds = parse_duration(value);
  if (!seconds) return fail(seconds.error().message + ", or 200% of the median");
  args.map.timeout_s = *seconds;
  return {};
}

Set set_delay(MapParsedArgs& args, const std::string& value) {
  args.map.delay_auto = value.ends_with("auto");
  const auto seconds = FURROW_TRY(
      parse_duration(std::string_view(value).substr(0, value.size() - (args.map.delay_auto ? 4 : 0))));
  args.map.delay_s = seconds;
  return {};
}

Set set_block(MapParsedArgs& args, const std::string& value) {
  args.block_given = true;
  if (value.starts_with('-')) {
    const auto blocks = parse_integer(std::string_view(value).substr(1));
    if (!blocks || *blocks < 1) return fail(value + " is not a number of blocks per slot");
    args.map.blocks_per_slot = *blocks;
    return {};
  }
  const auto size = FURROW_TRY(whole_size(value));
  if (size == 0) return fail("a block has at least one byte");
  args.map.split.block_bytes = size;
  return {};
}

Set set_retries(MapParsedArgs& args, const std::string& value) {
  const bool is_template = value.find('{') != std::string::npos;
  if (const auto number = parse_integer(value); !is_template && (!number || *number < 0))
    return fail(value + " is not a number of tries");
  args.map.retries = value;
  return {};
}

Set set_joblog(MapParsedArgs& args, const std::string& value) {
  args.map.joblog_append = value.starts_with('+');
  args.map.joblog = value.substr(args.map.joblog_append ? 1 : 0);
  return args.map.joblog->empty() ? Set(fail("the file's name is empty")) : Set();
}

void set_delimiter(MapParsedArgs& args, const std::string& value) {
  const std::string delimiter = unescape(value);
  if (delimiter.size() == 1) {
    args.map.inputs.delimiter = delimiter[0];
    args.map.inputs.delimiter_text.clear();
  } else {
    args.map.inputs.delimiter_text = delimiter;
  }
}

std::vector<MapOption> input_options() {
  return {
      text("arg-file argfile a",
           [](MapParsedArgs& args, const std::string& path) {
             args.argument_files.push_back({true, {}, path, false});
           }),
      flag("null 0", [](MapParsedArgs& args) { args.map.inputs.delimiter = '\0'; }),
      text("delimiter d", set_delimiter),
      text("colsep col-sep C",
           [](MapParsedArgs& args, const std::string& v) { args.map.inputs.column_separator = v; }),
      flag("csv", [](MapParsedArgs& args) { args.map.inputs.csv = true; }),
      text("header", [](MapParsedArgs& args, const std::string& v) { args.header = v; }),
      flag("link xapply", [](MapParsedArgs& args) { args.map.inputs.link = true; }),
      text("arg-sep argsep", [](MapParsedArgs& args, const std::string& v) { args.argument_separator = v; }),
      text("arg-file-sep argfilesep",
           [](MapParsedArgs& args, const std::string& v) { args.file_separator = v; }),
      text("E", [](MapParsedArgs& args, const std::string& v) { args.map.inputs.end_of_file = v; }),
      {"eof e", Takes::kMaybe,
       [](MapParsedArgs& args, const std::string& v) -> Set {
         if (!v.empty()) args.map.inputs.end_of_file = v;
         return {};
       }},
      flag("no-run-if-empty norunifempty r", [](MapParsedArgs& args) { args.map.inputs.skip_blank = true; }),
      flag("shuf", [](MapParsedArgs& args) { args.map.inputs.shuffle = true; }),
      parsed<Trim>("trim", trim, [](MapParsedArgs& args, Trim v) { args.trim = v; }),
      parsed<std::uint64_t>("max-args maxargs n", whole_size,
                            [](MapParsedArgs& args, std::uint64_t v) { args.max_args = v; }),
      parsed<std::uint64_t>("max-replace-args maxreplaceargs N", whole_size,
                            [](MapParsedArgs& args, std::uint64_t v) { args.max_replace_args = v; }),
      parsed<std::uint64_t>("L", whole_size, [](MapParsedArgs& args, std::uint64_t v) { args.lines = v; }),
      {"max-lines maxlines l", Takes::kMaybe,
       [](MapParsedArgs& args, const std::string& v) -> Set {
         const auto lines = whole_size(v.empty() ? "1" : v);
         if (!lines) return fail(lines.error());
         args.lines = std::max<std::uint64_t>(*lines, 1);
         return {};
       }},
      flag("m", [](MapParsedArgs& args) { args.many = true; }),
      flag("X", [](MapParsedArgs& args) { args.many_with_context = true; }),
      flag("xargs", [](MapParsedArgs& args) { args.xargs = true; }),
      parsed<std::uint64_t>("max-chars maxchars s", whole_size,
                            [](MapParsedArgs& args, std::uint64_t v) { args.map.batches.max_length = v; }),
      flag("exit x", [](MapParsedArgs& args) { args.map.batches.exit_if_too_long = true; }),
  };
}

std::vector<MapOption> template_options() {
  return {
      text("I", [](MapParsedArgs& args, const std::string& v) { args.map.templates.value_string = v; }),
      {"replace i", Takes::kMaybe,
       [](MapParsedArgs& args, const std::string& v) -> Set {
         if (!v.empty()) args.map.templates.value_string = v;
         return {};
       }},
      flag("plus", [](MapParsedArgs& args) { args.map.templates.plus = true; }),
      flag("quote q", [](MapParsedArgs& args) { args.map.templates.quote_words = true; }),
      {"seed", Takes::kValue,
       [](MapParsedArgs& args, const std::string& v) -> Set {
         const auto seed = parse_integer(v);
         if (!seed) return fail(seed.error());
         args.map.seed = static_cast<std::uint64_t>(*seed);
         return {};
       }},
  };
}

std::vector<MapOption> control_options() {
  return {
      parsed<Count>("jobs max-procs maxprocs j P", count,
                    [](MapParsedArgs& args, Count v) { args.map.jobs = v; }),
      parsed<Count>("load", count, [](MapParsedArgs& args, Count v) { args.map.load = v; }),
      parsed<std::uint64_t>("memfree", whole_size,
                            [](MapParsedArgs& args, std::uint64_t v) { args.map.memfree = v; }),
      {"delay", Takes::kValue, set_delay},
      parsed<Halt>("halt halt-on-error haltonerror", parse_halt,
                   [](MapParsedArgs& args, Halt v) { args.map.halt = v; }),
      {"retries", Takes::kValue, set_retries},
      {"timeout", Takes::kValue, set_timeout},
      parsed<std::vector<SignalStep>>(
          "termseq term-seq", parse_term_sequence,
          [](MapParsedArgs& args, std::vector<SignalStep> v) { args.map.term_sequence = std::move(v); }),
      parsed<std::int64_t>("nice", parse_integer,
                           [](MapParsedArgs& args, std::int64_t v) { args.map.nice = static_cast<int>(v); }),
      text("wd workdir work-dir", [](MapParsedArgs& args, const std::string& v) { args.map.directory = v; }),
      text("env", [](MapParsedArgs&, const std::string&) {}),  // jobs have the whole environment
      text("shell", [](MapParsedArgs& args, const std::string& v) { args.map.shell = v; }),
      text("tmpdir tempdir",
           [](MapParsedArgs& args, const std::string& v) { args.map.temporary_directory = v; }),
      text("process-slot-var processslotvar",
           [](MapParsedArgs& args, const std::string& v) { args.map.slot_variable = v; }),
  };
}

std::vector<MapOption> output_options() {
  return {
      flag("keep-order keeporder k", [](MapParsedArgs& args) { args.map.keep_order = true; }),
      flag("no-keep-order nokeeporder", [](MapParsedArgs& args) { args.map.keep_order = false; }),
      flag("group", [](MapParsedArgs& args) { args.group = true; }),
      flag("line-buffer linebuffer line-buffered lb", [](MapParsedArgs& args) { args.line_buffer = true; }),
      flag("ungroup u", [](MapParsedArgs& args) { args.ungroup = true; }),
      flag("tag", [](MapParsedArgs& args) { args.map.tag = true; }),
      text("tagstring tag-string",
           [](MapParsedArgs& args, const std::string& v) { args.map.tagstring = unescape(v); }),
      flag("dry-run dryrun dr", [](MapParsedArgs& args) { args.map.dry_run = true; }),
      flag("v", [](MapParsedArgs& args) { args.map.print_commands = true; }),
      flag("verbose t", [](MapParsedArgs& args) { args.map.print_commands_to_err = true; }),
      flag("silent", [](MapParsedArgs& args) { args.map.print_commands = false; }),
      flag("quiet", [](MapParsedArgs& args) { args.map.quiet = true; }),
      flag("bar", [](MapParsedArgs& args) { args.map.bar = true; }),
      flag("progress", [](MapParsedArgs& args) { args.map.progress = true; }),
      flag("eta", [](MapParsedArgs& args) { args.map.eta = true; }),
      parsed<std::uint64_t>("total-jobs totaljobs total", whole_size,
                            [](MapParsedArgs& args, std::uint64_t v) { args.map.total_jobs = v; }),
      text("results result res", [](MapParsedArgs& args, const std::string& v) { args.map.results = v; }),
      text("output", [](MapParsedArgs& args, const std::string& v) { args.map.outputs.push_back(v); }),
      text("trace", [](MapParsedArgs& args, const std::string& v) { args.map.trace = v; }),
      {"joblog jl", Takes::kValue, set_joblog},
      flag("joblog-usage", [](MapParsedArgs& args) { args.map.joblog_usage = true; }),
      flag("resume", [](MapParsedArgs& args) { args.map.resume = true; }),
      flag("resume-failed resumefailed", [](MapParsedArgs& args) { args.map.resume_failed = true; }),
      flag("retry-failed retryfailed", [](MapParsedArgs& args) { args.map.retry_failed = true; }),
  };
}

std::vector<MapOption> pipe_options() {
  return {
      flag("pipe spreadstdin",
           [](MapParsedArgs& args) {
             if (args.map.pipe == MapCommandOptions::Pipe::kNo)
               args.map.pipe = MapCommandOptions::Pipe::kPipe;
           }),
      flag("pipe-part pipepart",
           [](MapParsedArgs& args) { args.map.pipe = MapCommandOptions::Pipe::kParts; }),
      {"block block-size blocksize", Takes::kValue, set_block},
      text("recstart", [](MapParsedArgs& args, const std::string& v) { args.map.split.start = v; }),
      text("recend",
           [](MapParsedArgs& args, const std::string& v) {
             args.map.split.end = v;
             args.record_end_given = true;
           }),
      flag("regexp regex", [](MapParsedArgs& args) { args.map.split.regexp = true; }),
      flag("rrs remove-rec-sep removerecsep",
           [](MapParsedArgs& args) { args.map.split.remove_separators = true; }),
  };
}

Result<void> set_executor(MapParsedArgs& args, const std::string& name) {
  const exec::ExecutorType* const type = exec::find_executor(name);
  if (type == nullptr || !type->is_selectable || !type->is_for_map)
    return fail(name + " is not one of " + exec::executor_names(true));
  args.map.executor.name = name;
  return {};
}

Result<void> set_packing(MapParsedArgs& args, const std::string& how) {
  FURROW_TRY(check_packing(how));
  args.map.executor.packing = how;
  args.given.insert("--packing");
  return {};
}

Result<void> set_batch_nodes(MapParsedArgs& args, const std::string& text) {
  const auto nodes = parse_integer(text);
  if (!nodes || *nodes < 1) return fail(text + " is not a positive number of nodes");
  args.map.executor.batch_nodes = *nodes;
  args.given.insert("--batch-nodes");
  return {};
}

Result<void> add_resource(MapParsedArgs& args, const std::string& text) {
  static const std::vector<std::string> kKnown = [] {
    std::vector<std::string> names = exec::slurm_resources();
    names.insert(names.begin(), "cores");
    return names;
  }();
  const std::size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  if (equals == std::string::npos || std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end())
    return fail(text + " is not NAME=VALUE with one of " + join(kKnown, ", "));
  args.map.cluster_resources.emplace_back(name, text.substr(equals + 1));
  args.given.insert("--resource");
  return {};
}

std::vector<MapOption> cluster_options() {
  return {{"executor", Takes::kValue, set_executor},
          {"packing", Takes::kValue, set_packing},
          {"batch-nodes", Takes::kValue, set_batch_nodes},
          {"resource", Takes::kValue, add_resource}};
}

// They are about one run, not about what its jobs do.
constexpr auto kOfOneRun = std::to_array<std::string_view>(
    {"dry-run", "total-jobs", "joblog", "joblog-usage", "resume", "resume-failed", "retry-failed"});

std::vector<MapOption> other_options() {
  return {
      flag("help h", [](MapParsedArgs& args) { args.help = true; }),
      // Options of GNU parallel that change nothing here: there is no citation notice, and no profile is
      // read.
      flag("will-cite willcite no-notice nonotice", [](MapParsedArgs&) {}),
      flag("gnu plain compress", [](MapParsedArgs&) {}),
      flag("use-cores-instead-of-threads", [](MapParsedArgs&) {}),
  };
}

}  // namespace

std::vector<MapOption> all_map_options() {
  std::vector<MapOption> all;
  for (auto part : {template_options(), control_options(), output_options(), cluster_options()})
    all.insert(all.end(), part.begin(), part.end());
  for (MapOption& option : all) {
    const std::string_view name = option.names.substr(0, option.names.find(' '));
    option.is_repeated = std::find(kOfOneRun.begin(), kOfOneRun.end(), name) == kOfOneRun.end();
  }
  for (auto part : {input_options(), pipe_options(), other_options()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace furrow::cli

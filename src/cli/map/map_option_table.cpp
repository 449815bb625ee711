#include "cli/map/map_option_table.hpp"

#include <algorithm>
#include <utility>

#include "base/strings.hpp"
#include "cli/map/map_values.hpp"

namespace furrow::cli {

namespace {

using command::SourceSpec;
using command::Trim;

using Set = Result<void>;

MapOption flag(std::string_view names, void (*set)(MapDraft&)) {
  return {names, Takes::kNothing, [set](MapDraft& draft, const std::string&) -> Set {
            set(draft);
            return {};
          }};
}

MapOption text(std::string_view names, void (*set)(MapDraft&, const std::string&)) {
  return {names, Takes::kValue, [set](MapDraft& draft, const std::string& value) -> Set {
            set(draft, value);
            return {};
          }};
}

// A value that PARSE may refuse.
template <class T>
MapOption parsed(std::string_view names, Result<T> (*parse)(std::string_view), void (*set)(MapDraft&, T)) {
  return {names, Takes::kValue, [parse, set](MapDraft& draft, const std::string& value) -> Set {
            auto result = parse(value);
            if (!result) return fail(std::move(result.error()));
            set(draft, std::move(*result));
            return {};
          }};
}

Result<std::uint64_t> whole_size(std::string_view text) {
  return parse_size(text).map([](double size) { return static_cast<std::uint64_t>(size); });
}

Result<Count> count(std::string_view text) { return parse_count(std::string(text)); }

Result<Trim> trim(std::string_view text) {
  if (text == "n") return Trim::kNone;
  if (text == "l") return Trim::kLeft;
  if (text == "r") return Trim::kRight;
  if (text == "lr" || text == "rl") return Trim::kBoth;
  return fail(std::string(text) + " is none of n, l, r, lr");
}

Set set_timeout(MapDraft& draft, const std::string& value) {
  if (value.ends_with('%')) {
    const auto percent = parse_integer(std::string_view(value).substr(0, value.size() - 1));
    if (!percent || *percent <= 0) return fail(value + " is no percentage");
    draft.map.timeout_percent = static_cast<double>(*percent);
    return {};
  }
  const auto seconds = parse_duration(value);
  if (!seconds) return fail(seconds.error().message + ", or 200% of the median");
  draft.map.timeout_s = *seconds;
  return {};
}

Set set_delay(MapDraft& draft, const std::string& value) {
  draft.map.delay_auto = value.ends_with("auto");
  const auto seconds =
      parse_duration(std::string_view(value).substr(0, value.size() - (draft.map.delay_auto ? 4 : 0)));
  if (!seconds) return fail(seconds.error());
  draft.map.delay_s = *seconds;
  return {};
}

Set set_block(MapDraft& draft, const std::string& value) {
  draft.block_given = true;
  if (value.starts_with('-')) {
    const auto blocks = parse_integer(std::string_view(value).substr(1));
    if (!blocks || *blocks < 1) return fail(value + " is no number of blocks for each slot");
    draft.map.blocks_per_slot = *blocks;
    return {};
  }
  const auto size = whole_size(value);
  if (!size) return fail(size.error());
  if (*size == 0) return fail("a block has at least one byte");
  draft.map.split.block_bytes = *size;
  return {};
}

Set set_retries(MapDraft& draft, const std::string& value) {
  const bool is_template = value.find('{') != std::string::npos;
  if (const auto number = parse_integer(value); !is_template && (!number || *number < 0))
    return fail(value + " is no number of tries");
  draft.map.retries = value;
  return {};
}

Set set_joblog(MapDraft& draft, const std::string& value) {
  draft.map.joblog_append = value.starts_with('+');
  draft.map.joblog = value.substr(draft.map.joblog_append ? 1 : 0);
  return draft.map.joblog->empty() ? Set(fail("the file's name is empty")) : Set();
}

void set_delimiter(MapDraft& draft, const std::string& value) {
  const std::string delimiter = unescape(value);
  if (delimiter.size() == 1) {
    draft.map.inputs.delimiter = delimiter[0];
    draft.map.inputs.delimiter_text.clear();
  } else {
    draft.map.inputs.delimiter_text = delimiter;
  }
}

std::vector<MapOption> input_options() {
  return {
      text("arg-file argfile a",
           [](MapDraft& d, const std::string& path) {
             d.argument_files.push_back({true, {}, path, false});
           }),
      flag("null 0", [](MapDraft& d) { d.map.inputs.delimiter = '\0'; }),
      text("delimiter d", set_delimiter),
      text("colsep col-sep C", [](MapDraft& d, const std::string& v) { d.map.inputs.column_separator = v; }),
      flag("csv", [](MapDraft& d) { d.map.inputs.csv = true; }),
      text("header", [](MapDraft& d, const std::string& v) { d.header = v; }),
      flag("link xapply", [](MapDraft& d) { d.map.inputs.link = true; }),
      text("arg-sep argsep", [](MapDraft& d, const std::string& v) { d.argument_separator = v; }),
      text("arg-file-sep argfilesep", [](MapDraft& d, const std::string& v) { d.file_separator = v; }),
      text("E", [](MapDraft& d, const std::string& v) { d.map.inputs.end_of_file = v; }),
      {"eof e", Takes::kMaybe,
       [](MapDraft& d, const std::string& v) -> Set {
         if (!v.empty()) d.map.inputs.end_of_file = v;
         return {};
       }},
      flag("no-run-if-empty norunifempty r", [](MapDraft& d) { d.map.inputs.skip_blank = true; }),
      flag("shuf", [](MapDraft& d) { d.map.inputs.shuffle = true; }),
      parsed<Trim>("trim", trim, [](MapDraft& d, Trim v) { d.trim = v; }),
      parsed<std::uint64_t>("max-args maxargs n", whole_size,
                            [](MapDraft& d, std::uint64_t v) { d.max_args = v; }),
      parsed<std::uint64_t>("max-replace-args maxreplaceargs N", whole_size,
                            [](MapDraft& d, std::uint64_t v) { d.max_replace_args = v; }),
      parsed<std::uint64_t>("L", whole_size, [](MapDraft& d, std::uint64_t v) { d.lines = v; }),
      {"max-lines maxlines l", Takes::kMaybe,
       [](MapDraft& d, const std::string& v) -> Set {
         const auto lines = whole_size(v.empty() ? "1" : v);
         if (!lines) return fail(lines.error());
         d.lines = std::max<std::uint64_t>(*lines, 1);
         return {};
       }},
      flag("m", [](MapDraft& d) { d.many = true; }),
      flag("X", [](MapDraft& d) { d.many_with_context = true; }),
      flag("xargs", [](MapDraft& d) { d.xargs = true; }),
      parsed<std::uint64_t>("max-chars maxchars s", whole_size,
                            [](MapDraft& d, std::uint64_t v) { d.map.batches.max_length = v; }),
      flag("exit x", [](MapDraft& d) { d.map.batches.exit_if_too_long = true; }),
  };
}

std::vector<MapOption> template_options() {
  return {
      text("I", [](MapDraft& d, const std::string& v) { d.map.templates.value_string = v; }),
      {"replace i", Takes::kMaybe,
       [](MapDraft& d, const std::string& v) -> Set {
         if (!v.empty()) d.map.templates.value_string = v;
         return {};
       }},
      flag("plus", [](MapDraft& d) { d.map.templates.plus = true; }),
      flag("quote q", [](MapDraft& d) { d.map.templates.quote_words = true; }),
      {"seed", Takes::kValue,
       [](MapDraft& d, const std::string& v) -> Set {
         const auto seed = parse_integer(v);
         if (!seed) return fail(seed.error());
         d.map.seed = static_cast<std::uint64_t>(*seed);
         return {};
       }},
  };
}

std::vector<MapOption> control_options() {
  return {
      parsed<Count>("jobs max-procs maxprocs j P", count, [](MapDraft& d, Count v) { d.map.jobs = v; }),
      parsed<Count>("load", count, [](MapDraft& d, Count v) { d.map.load = v; }),
      parsed<std::uint64_t>("memfree", whole_size, [](MapDraft& d, std::uint64_t v) { d.map.memfree = v; }),
      {"delay", Takes::kValue, set_delay},
      parsed<Halt>("halt halt-on-error haltonerror", parse_halt, [](MapDraft& d, Halt v) { d.map.halt = v; }),
      {"retries", Takes::kValue, set_retries},
      {"timeout", Takes::kValue, set_timeout},
      parsed<std::vector<SignalStep>>(
          "termseq term-seq", parse_term_sequence,
          [](MapDraft& d, std::vector<SignalStep> v) { d.map.term_sequence = std::move(v); }),
      parsed<std::int64_t>("nice", parse_integer,
                           [](MapDraft& d, std::int64_t v) { d.map.nice = static_cast<int>(v); }),
      text("wd workdir work-dir", [](MapDraft& d, const std::string& v) { d.map.directory = v; }),
      text("env", [](MapDraft&, const std::string&) {}),  // jobs have the whole environment
      text("shell", [](MapDraft& d, const std::string& v) { d.map.shell = v; }),
      text("tmpdir tempdir", [](MapDraft& d, const std::string& v) { d.map.temporary_directory = v; }),
      text("process-slot-var processslotvar",
           [](MapDraft& d, const std::string& v) { d.map.slot_variable = v; }),
  };
}

std::vector<MapOption> output_options() {
  return {
      flag("keep-order keeporder k", [](MapDraft& d) { d.map.keep_order = true; }),
      flag("no-keep-order nokeeporder", [](MapDraft& d) { d.map.keep_order = false; }),
      flag("group", [](MapDraft& d) { d.group = true; }),
      flag("line-buffer linebuffer line-buffered lb", [](MapDraft& d) { d.line_buffer = true; }),
      flag("ungroup u", [](MapDraft& d) { d.ungroup = true; }),
      flag("tag", [](MapDraft& d) { d.map.tag = true; }),
      text("tagstring tag-string", [](MapDraft& d, const std::string& v) { d.map.tagstring = unescape(v); }),
      flag("dry-run dryrun dr", [](MapDraft& d) { d.map.dry_run = true; }),
      flag("v", [](MapDraft& d) { d.map.print_commands = true; }),
      flag("verbose t", [](MapDraft& d) { d.map.print_commands_to_err = true; }),
      flag("silent", [](MapDraft& d) { d.map.print_commands = false; }),
      flag("quiet", [](MapDraft& d) { d.map.quiet = true; }),
      flag("bar", [](MapDraft& d) { d.map.bar = true; }),
      flag("progress", [](MapDraft& d) { d.map.progress = true; }),
      flag("eta", [](MapDraft& d) { d.map.eta = true; }),
      parsed<std::uint64_t>("total-jobs totaljobs total", whole_size,
                            [](MapDraft& d, std::uint64_t v) { d.map.total_jobs = v; }),
      text("results result res", [](MapDraft& d, const std::string& v) { d.map.results = v; }),
      text("output", [](MapDraft& d, const std::string& v) { d.map.outputs.push_back(v); }),
      {"joblog jl", Takes::kValue, set_joblog},
      flag("joblog-usage", [](MapDraft& d) { d.map.joblog_usage = true; }),
      flag("resume", [](MapDraft& d) { d.map.resume = true; }),
      flag("resume-failed resumefailed", [](MapDraft& d) { d.map.resume_failed = true; }),
      flag("retry-failed retryfailed", [](MapDraft& d) { d.map.retry_failed = true; }),
  };
}

std::vector<MapOption> pipe_options() {
  return {
      flag("pipe spreadstdin",
           [](MapDraft& d) {
             if (d.map.pipe == MapOptions::Pipe::kNo) d.map.pipe = MapOptions::Pipe::kPipe;
           }),
      flag("pipe-part pipepart", [](MapDraft& d) { d.map.pipe = MapOptions::Pipe::kParts; }),
      {"block block-size blocksize", Takes::kValue, set_block},
      text("recstart", [](MapDraft& d, const std::string& v) { d.map.split.start = v; }),
      text("recend",
           [](MapDraft& d, const std::string& v) {
             d.map.split.end = v;
             d.record_end_given = true;
           }),
      flag("regexp regex", [](MapDraft& d) { d.map.split.regexp = true; }),
      flag("rrs remove-rec-sep removerecsep", [](MapDraft& d) { d.map.split.remove_separators = true; }),
  };
}

Result<void> set_executor(MapDraft& draft, const std::string& name) {
  if (name != "local" && name != "slurm") return fail(name + " is neither local nor slurm");
  draft.map.cluster.kind = name == "slurm" ? ClusterSettings::Kind::kSlurm : ClusterSettings::Kind::kNone;
  return {};
}

Result<void> set_packing(MapDraft& draft, const std::string& how) {
  if (auto known = check_packing(how); !known) return known;
  draft.map.cluster.packing = how;
  draft.given.insert("--packing");
  return {};
}

Result<void> set_batch_nodes(MapDraft& draft, const std::string& text) {
  const auto nodes = parse_integer(text);
  if (!nodes || *nodes < 1) return fail(text + " is no number of nodes, from 1 on");
  draft.map.cluster.batch_nodes = *nodes;
  draft.given.insert("--batch-nodes");
  return {};
}

Result<void> add_resource(MapDraft& draft, const std::string& text) {
  static const std::vector<std::string> kKnown{"cores",      "mem_mb",     "mem_mb_per_cpu",  "runtime",
                                               "nodes",      "tasks",      "slurm_partition", "slurm_account",
                                               "constraint", "slurm_extra"};
  const std::size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  if (equals == std::string::npos || std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end())
    return fail(text + " is not NAME=VALUE with one of " + join(kKnown, ", "));
  draft.map.cluster_resources.emplace_back(name, text.substr(equals + 1));
  draft.given.insert("--resource");
  return {};
}

std::vector<MapOption> cluster_options() {
  return {{"executor", Takes::kValue, set_executor},
          {"packing", Takes::kValue, set_packing},
          {"batch-nodes", Takes::kValue, set_batch_nodes},
          {"resource", Takes::kValue, add_resource}};
}

std::vector<MapOption> other_options() {
  return {
      flag("help h", [](MapDraft& d) { d.help = true; }),
      // Habits of GNU parallel that need nothing here: there is no notice, and no profile is read.
      flag("will-cite willcite no-notice nonotice", [](MapDraft&) {}),
      flag("gnu plain compress", [](MapDraft&) {}),
      flag("use-cores-instead-of-threads", [](MapDraft&) {}),
  };
}

}  // namespace

std::vector<MapOption> all_map_options() {
  std::vector<MapOption> all;
  for (auto part : {input_options(), template_options(), control_options(), output_options(), pipe_options(),
                    cluster_options(), other_options()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace furrow::cli

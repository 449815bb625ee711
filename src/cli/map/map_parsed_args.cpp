#include "cli/map/map_parsed_args.hpp"

#include <algorithm>
#include <utility>

#include "base/strings.hpp"
#include "cli/map/map_values.hpp"

namespace furrow::cli {

namespace {

using command::SourceSpec;
using command::Trim;

Result<void> finish_batches(MapParsedArgs& args) {
  MapCommandOptions& map = args.map;
  const bool many = args.many || args.many_with_context || args.xargs;
  std::optional<std::uint64_t> records = args.max_replace_args ? args.max_replace_args : args.max_args;
  if (!records) records = args.lines;
  map.templates.no_values = records == 0u;
  map.batches.max_records = records ? std::max<std::uint64_t>(*records, 1) : many ? 0 : 1;
  map.batches.spread = args.many || args.many_with_context;
  map.templates.repeat_context =
      args.many_with_context || args.max_replace_args || (args.lines && !args.many && !args.xargs);
  map.inputs.continue_lines = args.lines.has_value();
  return {};
}

Result<void> finish_inputs(MapParsedArgs& args) {
  command::InputOptions& inputs = args.map.inputs;
  inputs.trim = args.trim.value_or(inputs.column_separator.empty() ? Trim::kNone : Trim::kBoth);
  inputs.shuffle_seed = args.map.seed;
  inputs.header = args.header == ":";
  inputs.header_is_path = args.header == "0";
  if (!args.header.empty() && !inputs.header && !inputs.header_is_path)
    return fail(
        "--header " + args.header +
        ": only : (the first record has the names) and 0 (the files' names) are allowed without --pipe");
  return finish_batches(args);
}

Result<void> finish_header_of_blocks(MapParsedArgs& args) {
  if (args.header.empty()) return {};
  const auto lines = args.header == ":" ? Result<std::int64_t>(1) : parse_integer(args.header);
  if (!lines || *lines < 0)
    return fail("--header " + args.header + ": with --pipe it takes : or a number of lines");
  args.map.split.header_lines = static_cast<std::uint64_t>(*lines);
  return {};
}

Result<void> finish_pipe(MapParsedArgs& args) {
  MapCommandOptions& map = args.map;
  const bool parts = map.pipe == MapCommandOptions::Pipe::kParts;
  if (map.command.empty()) return fail("--pipe needs a command that reads standard input");
  if (parts && (args.max_replace_args || args.lines))
    return fail("--pipe-part splits by size only: it cannot be combined with -N or -L");
  if (!parts && args.map.blocks_per_slot > 0)
    return fail("--block with a number of blocks per slot needs --pipe-part");
  const auto is_file = [](const SourceSpec& source) { return source.is_file && source.path != "-"; };
  const bool files = std::all_of(map.inputs.sources.begin(), map.inputs.sources.end(), is_file);
  if (parts && (map.inputs.sources.empty() || !files))
    return fail("--pipe-part needs files: name them with -a or ::::");
  if (!parts && !(map.inputs.sources.empty() || (map.inputs.sources.size() == 1 && files)))
    return fail("--pipe reads standard input or one file: it allows neither ::: nor several files");
  command::SplitOptions& split = map.split;
  if (!args.record_end_given && !split.start.empty()) split.end.clear();
  if (!split.regexp) {
    split.start = unescape(split.start);
    split.end = unescape(split.end);
  }
  split.csv = map.inputs.csv;
  split.records = args.max_replace_args ? *args.max_replace_args : args.max_args.value_or(0);
  split.lines = std::max<std::uint64_t>(args.lines.value_or(1), 1);
  if (parts && !args.block_given) map.blocks_per_slot = 10;
  map.templates.repeat_context = false;
  return finish_header_of_blocks(args);
}

Result<void> finish_output(MapParsedArgs& args) {
  MapCommandOptions& map = args.map;
  if (args.group + args.ungroup + args.line_buffer > 1)
    return fail("give only one of --group, --line-buffer and --ungroup");
  map.grouping = args.ungroup       ? MapCommandOptions::Grouping::kNone
                 : args.line_buffer ? MapCommandOptions::Grouping::kLine
                                    : MapCommandOptions::Grouping::kGroup;
  if ((map.resume_failed || map.retry_failed) && !map.joblog)
    return fail("--resume-failed and --retry-failed need the --joblog that records what failed");
  if (map.resume && !map.joblog && !map.results)
    return fail("--resume needs a --joblog, or --results, to know what is done");
  if (map.joblog_usage && !map.joblog) return fail("--joblog-usage needs a --joblog");
  return {};
}

}  // namespace

Result<MapCommandOptions> finish(MapParsedArgs args) {
  const bool pipes = args.map.pipe != MapCommandOptions::Pipe::kNo;
  for (const auto& part : {pipes ? finish_pipe : finish_inputs, finish_output}) FURROW_TRY(part(args));
  FURROW_TRY(check_effects(args.map.executor, args.given));
  args.map.templates.append_value = !pipes;
  return std::move(args.map);
}

}  // namespace furrow::cli

#include "cli/map/map_draft.hpp"

#include <algorithm>
#include <utility>

#include "base/strings.hpp"
#include "cli/map/map_values.hpp"

namespace furrow::cli {

namespace {

using command::SourceSpec;
using command::Trim;

Result<void> finish_batches(MapDraft& draft) {
  MapOptions& map = draft.map;
  const bool many = draft.many || draft.many_with_context || draft.xargs;
  std::optional<std::uint64_t> records = draft.max_replace_args ? draft.max_replace_args : draft.max_args;
  if (!records) records = draft.lines;
  map.templates.no_values = records == 0u;
  map.batches.max_records = records ? std::max<std::uint64_t>(*records, 1) : many ? 0 : 1;
  map.batches.spread = draft.many || draft.many_with_context;
  map.templates.repeat_context =
      draft.many_with_context || draft.max_replace_args || (draft.lines && !draft.many && !draft.xargs);
  map.inputs.continue_lines = draft.lines.has_value();
  return {};
}

Result<void> finish_inputs(MapDraft& draft) {
  command::InputOptions& inputs = draft.map.inputs;
  inputs.trim = draft.trim.value_or(inputs.column_separator.empty() ? Trim::kNone : Trim::kBoth);
  inputs.shuffle_seed = draft.map.seed;
  inputs.header = draft.header == ":";
  inputs.header_is_path = draft.header == "0";
  if (!draft.header.empty() && !inputs.header && !inputs.header_is_path)
    return fail(
        "--header " + draft.header +
        ": only : (the first record has the names) and 0 (the files' names) are there without --pipe");
  return finish_batches(draft);
}

Result<void> finish_header_of_blocks(MapDraft& draft) {
  if (draft.header.empty()) return {};
  const auto lines = draft.header == ":" ? Result<std::int64_t>(1) : parse_integer(draft.header);
  if (!lines || *lines < 0)
    return fail("--header " + draft.header + ": with --pipe it takes : or a number of lines");
  draft.map.split.header_lines = static_cast<std::uint64_t>(*lines);
  return {};
}

Result<void> finish_pipe(MapDraft& draft) {
  MapOptions& map = draft.map;
  const bool parts = map.pipe == MapOptions::Pipe::kParts;
  if (map.command.empty()) return fail("--pipe needs a command that reads standard input");
  if (parts && (draft.max_replace_args || draft.lines))
    return fail("--pipe-part cuts by size alone: it goes with neither -N nor -L");
  if (!parts && draft.map.blocks_per_slot > 0)
    return fail("--block with a number of blocks for each slot goes with --pipe-part");
  const auto is_file = [](const SourceSpec& source) { return source.is_file && source.path != "-"; };
  const bool files = std::all_of(map.inputs.sources.begin(), map.inputs.sources.end(), is_file);
  if (parts && (map.inputs.sources.empty() || !files))
    return fail("--pipe-part needs files: name them with -a or ::::");
  if (!parts && !(map.inputs.sources.empty() || (map.inputs.sources.size() == 1 && files)))
    return fail("--pipe reads standard input or one file: there can be neither ::: nor several files");
  command::SplitOptions& split = map.split;
  if (!draft.record_end_given && !split.start.empty()) split.end.clear();
  if (!split.regexp) {
    split.start = unescape(split.start);
    split.end = unescape(split.end);
  }
  split.csv = map.inputs.csv;
  split.records = draft.max_replace_args ? *draft.max_replace_args : draft.max_args.value_or(0);
  split.lines = std::max<std::uint64_t>(draft.lines.value_or(1), 1);
  if (parts && !draft.block_given) map.blocks_per_slot = 10;
  map.templates.repeat_context = false;
  return finish_header_of_blocks(draft);
}

Result<void> finish_output(MapDraft& draft) {
  MapOptions& map = draft.map;
  if (draft.group + draft.ungroup + draft.line_buffer > 1)
    return fail("only one of --group, --line-buffer and --ungroup can be");
  map.grouping = draft.ungroup       ? MapOptions::Grouping::kNone
                 : draft.line_buffer ? MapOptions::Grouping::kLine
                                     : MapOptions::Grouping::kGroup;
  if ((map.resume_failed || map.retry_failed) && !map.joblog)
    return fail("--resume-failed and --retry-failed need the --joblog that tells what failed");
  if (map.resume && !map.joblog && !map.results)
    return fail("--resume needs a --joblog, or --results, to tell what is done");
  if (map.joblog_usage && !map.joblog) return fail("--joblog-usage needs a --joblog");
  return {};
}

}  // namespace

Result<MapOptions> finish(MapDraft draft) {
  const bool pipes = draft.map.pipe != MapOptions::Pipe::kNo;
  for (const auto& part : {pipes ? finish_pipe : finish_inputs, finish_output})
    if (auto done = part(draft); !done) return fail(std::move(done.error()));
  if (auto sensible = check_effects(draft.map.cluster, draft.given); !sensible)
    return fail(std::move(sensible.error()));
  draft.map.templates.append_value = !pipes;
  return std::move(draft.map);
}

}  // namespace furrow::cli

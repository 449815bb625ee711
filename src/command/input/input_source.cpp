#include "command/input/input_source.hpp"

#include <poll.h>

#include "command/input/input_list.hpp"
#include "command/input/input_reader.hpp"
#include "command/input/input_sources.hpp"

namespace furrow::command {

namespace {

// The header must be known before any job is rendered, so this waits for it.
Result<Arguments> read_header(RecordReader& reader) {
  Arguments names;
  for (;;) {
    const auto pulled = FURROW_TRY(reader.next(names));
    if (pulled != Pull::kNotYet) return names;
    pollfd more{reader.descriptor(), POLLIN, 0};
    ::poll(&more, 1, -1);
  }
}

Result<void> name_columns(const SourceSpec& source, RecordReader& reader, const InputOptions& options,
                          std::vector<std::string>& names) {
  if (options.header_is_path) names.push_back(source.path);
  if (!options.header) return {};
  const auto header = FURROW_TRY(read_header(reader));
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string_view name = (header)[i];
    names.emplace_back(name.substr(0, name.size() - name.ends_with('\r')));
  }
  return {};
}

bool reads_standard_input(const SourceSpec& source) { return source.is_file && source.path == "-"; }

}  // namespace

Result<std::unique_ptr<InputSource>> open_inputs(const InputOptions& given) {
  InputOptions options = given;
  if (options.sources.empty()) options.sources.push_back({true, {}, "-", false});
  // A header has column names, so it implies columns.
  if (options.header && options.column_separator.empty() && !options.csv) options.column_separator = "\\t";
  bool standard_input = false;
  std::vector<std::string> names;
  std::vector<LinkedReaders> groups;
  for (const SourceSpec& source : options.sources) {
    if (reads_standard_input(source) && std::exchange(standard_input, true))
      return fail("standard input can be only one of the sources");
    auto reader = FURROW_TRY(open_reader(source, options));
    FURROW_TRY(name_columns(source, *reader, options, names));
    if (groups.empty() || !source.linked) groups.emplace_back();
    groups.back().readers.push_back(std::move(reader));
  }

  std::unique_ptr<InputSource> inputs;
  if (options.link) {
    std::vector<std::unique_ptr<RecordReader>> readers;
    for (LinkedReaders& group : groups)
      for (auto& reader : group.readers) readers.push_back(std::move(reader));
    inputs = make_cycle(std::move(readers), std::move(names));
  } else {
    inputs = make_product(std::move(groups), std::move(names));
  }
  if (!options.shuffle) return inputs;
  auto values = FURROW_TRY(read_all(*inputs));
  shuffle(values, options.shuffle_seed);
  return make_list(std::move(values), inputs->names());
}

}  // namespace furrow::command

#include "cli/map_options.hpp"

#include <getopt.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <span>

#include "base/strings.hpp"
#include "cli/map_help.hpp"
#include "cli/map_refused.hpp"
#include "cli/map_values.hpp"

namespace furrow::cli {

namespace {

using command::SourceSpec;
using command::Trim;

// What the options say, before it is known how they go together.
struct Draft {
  MapOptions map;
  std::vector<SourceSpec> argument_files;  // -a
  std::string argument_separator = ":::", file_separator = "::::";
  std::optional<std::uint64_t> max_args, max_replace_args, lines;  // -n, -N, -L
  bool many = false, many_with_context = false, xargs = false;     // -m, -X, --xargs
  std::optional<Trim> trim;
  std::string header;
  bool record_end_given = false, block_given = false;
  bool group = false, ungroup = false, line_buffer = false;
  bool help = false;
};

enum class Takes : std::uint8_t { kNothing, kValue, kMaybe };

struct Option {
  std::string_view
      names;  // "keep-order keeporder k": the first long one is the one that help and errors speak of
  Takes takes;
  std::function<Result<void>(Draft&, const std::string&)> set;
};

using Set = Result<void>;

Option flag(std::string_view names, void (*set)(Draft&)) {
  return {names, Takes::kNothing, [set](Draft& draft, const std::string&) -> Set {
            set(draft);
            return {};
          }};
}

Option text(std::string_view names, void (*set)(Draft&, const std::string&)) {
  return {names, Takes::kValue, [set](Draft& draft, const std::string& value) -> Set {
            set(draft, value);
            return {};
          }};
}

// A value that PARSE may refuse.
template <class T>
Option parsed(std::string_view names, Result<T> (*parse)(std::string_view), void (*set)(Draft&, T)) {
  return {names, Takes::kValue, [parse, set](Draft& draft, const std::string& value) -> Set {
            auto result = parse(value);
            if (!result) return fail(std::move(result.error()));
            set(draft, std::move(*result));
            return {};
          }};
}

Result<std::uint64_t> whole_size(std::string_view text) {
  return parse_size(text).map([](double size) { return static_cast<std::uint64_t>(size); });
}

Result<std::int64_t> integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty())
    return fail(std::string(text) + " is no whole number");
  return value;
}

Result<Count> count(std::string_view text) { return parse_count(std::string(text)); }

Result<Trim> trim(std::string_view text) {
  if (text == "n") return Trim::kNone;
  if (text == "l") return Trim::kLeft;
  if (text == "r") return Trim::kRight;
  if (text == "lr" || text == "rl") return Trim::kBoth;
  return fail(std::string(text) + " is none of n, l, r, lr");
}

Set set_timeout(Draft& draft, const std::string& value) {
  if (value.ends_with('%')) {
    const auto percent = integer(std::string_view(value).substr(0, value.size() - 1));
    if (!percent || *percent <= 0) return fail(value + " is no percentage");
    draft.map.timeout_percent = static_cast<double>(*percent);
    return {};
  }
  const auto seconds = parse_duration(value);
  if (!seconds) return fail(seconds.error().message + ", or 200% of the median");
  draft.map.timeout_s = *seconds;
  return {};
}

Set set_delay(Draft& draft, const std::string& value) {
  draft.map.delay_auto = value.ends_with("auto");
  const auto seconds =
      parse_duration(std::string_view(value).substr(0, value.size() - (draft.map.delay_auto ? 4 : 0)));
  if (!seconds) return fail(seconds.error());
  draft.map.delay_s = *seconds;
  return {};
}

Set set_block(Draft& draft, const std::string& value) {
  draft.block_given = true;
  if (value.starts_with('-')) {
    const auto blocks = integer(std::string_view(value).substr(1));
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

Set set_retries(Draft& draft, const std::string& value) {
  const bool is_template = value.find('{') != std::string::npos;
  if (const auto number = integer(value); !is_template && (!number || *number < 0))
    return fail(value + " is no number of tries");
  draft.map.retries = value;
  return {};
}

Set set_joblog(Draft& draft, const std::string& value) {
  draft.map.joblog_append = value.starts_with('+');
  draft.map.joblog = value.substr(draft.map.joblog_append ? 1 : 0);
  return draft.map.joblog->empty() ? Set(fail("the file's name is empty")) : Set();
}

void set_delimiter(Draft& draft, const std::string& value) {
  const std::string delimiter = unescape(value);
  if (delimiter.size() == 1) {
    draft.map.inputs.delimiter = delimiter[0];
    draft.map.inputs.delimiter_text.clear();
  } else {
    draft.map.inputs.delimiter_text = delimiter;
  }
}

std::vector<Option> input_options() {
  return {
      text("arg-file argfile a",
           [](Draft& d, const std::string& path) {
             d.argument_files.push_back({true, {}, path, false});
           }),
      flag("null 0", [](Draft& d) { d.map.inputs.delimiter = '\0'; }),
      text("delimiter d", set_delimiter),
      text("colsep col-sep C", [](Draft& d, const std::string& v) { d.map.inputs.column_separator = v; }),
      flag("csv", [](Draft& d) { d.map.inputs.csv = true; }),
      text("header", [](Draft& d, const std::string& v) { d.header = v; }),
      flag("link xapply", [](Draft& d) { d.map.inputs.link = true; }),
      text("arg-sep argsep", [](Draft& d, const std::string& v) { d.argument_separator = v; }),
      text("arg-file-sep argfilesep", [](Draft& d, const std::string& v) { d.file_separator = v; }),
      text("E", [](Draft& d, const std::string& v) { d.map.inputs.end_of_file = v; }),
      {"eof e", Takes::kMaybe,
       [](Draft& d, const std::string& v) -> Set {
         if (!v.empty()) d.map.inputs.end_of_file = v;
         return {};
       }},
      flag("no-run-if-empty norunifempty r", [](Draft& d) { d.map.inputs.skip_blank = true; }),
      flag("shuf", [](Draft& d) { d.map.inputs.shuffle = true; }),
      parsed<Trim>("trim", trim, [](Draft& d, Trim v) { d.trim = v; }),
      parsed<std::uint64_t>("max-args maxargs n", whole_size,
                            [](Draft& d, std::uint64_t v) { d.max_args = v; }),
      parsed<std::uint64_t>("max-replace-args maxreplaceargs N", whole_size,
                            [](Draft& d, std::uint64_t v) { d.max_replace_args = v; }),
      parsed<std::uint64_t>("L", whole_size, [](Draft& d, std::uint64_t v) { d.lines = v; }),
      {"max-lines maxlines l", Takes::kMaybe,
       [](Draft& d, const std::string& v) -> Set {
         const auto lines = whole_size(v.empty() ? "1" : v);
         if (!lines) return fail(lines.error());
         d.lines = std::max<std::uint64_t>(*lines, 1);
         return {};
       }},
      flag("m", [](Draft& d) { d.many = true; }),
      flag("X", [](Draft& d) { d.many_with_context = true; }),
      flag("xargs", [](Draft& d) { d.xargs = true; }),
      parsed<std::uint64_t>("max-chars maxchars s", whole_size,
                            [](Draft& d, std::uint64_t v) { d.map.batches.max_length = v; }),
      flag("exit x", [](Draft& d) { d.map.batches.exit_if_too_long = true; }),
  };
}

std::vector<Option> template_options() {
  return {
      text("I", [](Draft& d, const std::string& v) { d.map.templates.value_string = v; }),
      {"replace i", Takes::kMaybe,
       [](Draft& d, const std::string& v) -> Set {
         if (!v.empty()) d.map.templates.value_string = v;
         return {};
       }},
      flag("plus", [](Draft& d) { d.map.templates.plus = true; }),
      flag("quote q", [](Draft& d) { d.map.templates.quote_words = true; }),
      {"seed", Takes::kValue,
       [](Draft& d, const std::string& v) -> Set {
         const auto seed = integer(v);
         if (!seed) return fail(seed.error());
         d.map.seed = static_cast<std::uint64_t>(*seed);
         return {};
       }},
  };
}

std::vector<Option> control_options() {
  return {
      parsed<Count>("jobs max-procs maxprocs j P", count, [](Draft& d, Count v) { d.map.jobs = v; }),
      parsed<Count>("load", count, [](Draft& d, Count v) { d.map.load = v; }),
      parsed<std::uint64_t>("memfree", whole_size, [](Draft& d, std::uint64_t v) { d.map.memfree = v; }),
      {"delay", Takes::kValue, set_delay},
      parsed<Halt>("halt halt-on-error haltonerror", parse_halt, [](Draft& d, Halt v) { d.map.halt = v; }),
      {"retries", Takes::kValue, set_retries},
      {"timeout", Takes::kValue, set_timeout},
      parsed<std::vector<SignalStep>>(
          "termseq term-seq", parse_term_sequence,
          [](Draft& d, std::vector<SignalStep> v) { d.map.term_sequence = std::move(v); }),
      parsed<std::int64_t>("nice", integer,
                           [](Draft& d, std::int64_t v) { d.map.nice = static_cast<int>(v); }),
      text("wd workdir work-dir", [](Draft& d, const std::string& v) { d.map.directory = v; }),
      text("env", [](Draft&, const std::string&) {}),  // jobs have the whole environment
      text("shell", [](Draft& d, const std::string& v) { d.map.shell = v; }),
      text("tmpdir tempdir", [](Draft& d, const std::string& v) { d.map.temporary_directory = v; }),
      text("process-slot-var processslotvar",
           [](Draft& d, const std::string& v) { d.map.slot_variable = v; }),
  };
}

std::vector<Option> output_options() {
  return {
      flag("keep-order keeporder k", [](Draft& d) { d.map.keep_order = true; }),
      flag("no-keep-order nokeeporder", [](Draft& d) { d.map.keep_order = false; }),
      flag("group", [](Draft& d) { d.group = true; }),
      flag("line-buffer linebuffer line-buffered lb", [](Draft& d) { d.line_buffer = true; }),
      flag("ungroup u", [](Draft& d) { d.ungroup = true; }),
      flag("tag", [](Draft& d) { d.map.tag = true; }),
      text("tagstring tag-string", [](Draft& d, const std::string& v) { d.map.tagstring = unescape(v); }),
      flag("dry-run dryrun dr", [](Draft& d) { d.map.dry_run = true; }),
      flag("v", [](Draft& d) { d.map.print_commands = true; }),
      flag("verbose t", [](Draft& d) { d.map.print_commands_to_err = true; }),
      flag("silent", [](Draft& d) { d.map.print_commands = false; }),
      flag("quiet", [](Draft& d) { d.map.quiet = true; }),
      flag("bar", [](Draft& d) { d.map.bar = true; }),
      flag("progress", [](Draft& d) { d.map.progress = true; }),
      flag("eta", [](Draft& d) { d.map.eta = true; }),
      parsed<std::uint64_t>("total-jobs totaljobs total", whole_size,
                            [](Draft& d, std::uint64_t v) { d.map.total_jobs = v; }),
      text("results result res", [](Draft& d, const std::string& v) { d.map.results = v; }),
      text("output", [](Draft& d, const std::string& v) { d.map.outputs.push_back(v); }),
      {"joblog jl", Takes::kValue, set_joblog},
      flag("joblog-usage", [](Draft& d) { d.map.joblog_usage = true; }),
      flag("resume", [](Draft& d) { d.map.resume = true; }),
      flag("resume-failed resumefailed", [](Draft& d) { d.map.resume_failed = true; }),
      flag("retry-failed retryfailed", [](Draft& d) { d.map.retry_failed = true; }),
  };
}

std::vector<Option> pipe_options() {
  return {
      flag("pipe spreadstdin",
           [](Draft& d) {
             if (d.map.pipe == MapOptions::Pipe::kNo) d.map.pipe = MapOptions::Pipe::kPipe;
           }),
      flag("pipe-part pipepart", [](Draft& d) { d.map.pipe = MapOptions::Pipe::kParts; }),
      {"block block-size blocksize", Takes::kValue, set_block},
      text("recstart", [](Draft& d, const std::string& v) { d.map.split.start = v; }),
      text("recend",
           [](Draft& d, const std::string& v) {
             d.map.split.end = v;
             d.record_end_given = true;
           }),
      flag("regexp regex", [](Draft& d) { d.map.split.regexp = true; }),
      flag("rrs remove-rec-sep removerecsep", [](Draft& d) { d.map.split.remove_separators = true; }),
  };
}

std::vector<Option> other_options() {
  return {
      flag("help h", [](Draft& d) { d.help = true; }),
      // Habits of GNU parallel that need nothing here: there is no notice, and no profile is read.
      flag("will-cite willcite no-notice nonotice", [](Draft&) {}),
      flag("gnu plain compress", [](Draft&) {}),
      flag("use-cores-instead-of-threads", [](Draft&) {}),
  };
}

std::vector<Option> all_options() {
  std::vector<Option> all;
  for (auto part : {input_options(), template_options(), control_options(), output_options(), pipe_options(),
                    other_options()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::string with_dashes(std::string_view name) { return (name.size() == 1 ? "-" : "--") + std::string(name); }

// The options as getopt_long() wants them. `val` is the place of the option, from kFirst on.
class Table {
 public:
  Table() : options_(all_options()) {
    for (std::size_t i = 0; i < options_.size(); ++i) {
      for (const std::string& name : split(options_[i].names, ' ')) {
        if (name.size() == 1) {
          add_short(name[0], i);
        } else {
          names_.emplace_back(name, i);
        }
      }
    }
    for (const auto& [name, i] : names_)
      long_.push_back({name.c_str(), takes(i), nullptr, kFirst + static_cast<int>(i)});
    long_.push_back({nullptr, 0, nullptr, 0});
  }

  const char* short_form() const { return short_.c_str(); }
  const option* long_form() const { return long_.data(); }
  // What getopt_long() returned.
  const Option* find(int found) const {
    if (found >= kFirst) return &options_[static_cast<std::size_t>(found - kFirst)];
    const std::size_t at = short_names_.find(static_cast<char>(found));
    return at == std::string::npos ? nullptr : &options_[short_places_[at]];
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, i] : names_) names.push_back("--" + name);
    return names;
  }

 private:
  static constexpr int kFirst = 1000;

  int takes(std::size_t i) const {
    return options_[i].takes == Takes::kNothing ? no_argument
           : options_[i].takes == Takes::kValue ? required_argument
                                                : optional_argument;
  }
  void add_short(char name, std::size_t i) {
    short_ += name;
    short_ += std::string(static_cast<std::size_t>(takes(i)), ':');
    short_names_ += name;
    short_places_.push_back(i);
  }

  std::vector<Option> options_;
  std::vector<std::pair<std::string, std::size_t>> names_;
  std::vector<option> long_;
  std::string short_ = "+:";  // options end at the command; a missing value is told apart
  std::string short_names_;
  std::vector<std::size_t> short_places_;
};

Leave mistake(const std::string& message, const std::string& hint = "See furrow map --help.") {
  return {255, "furrow map: " + message + (hint.empty() ? "" : "\n  " + hint)};
}

// ARGUMENT is "--name=value", "--name" or a bundle of short ones, in which LETTER is not known.
Leave unknown(const Table& table, std::string_view argument, char letter) {
  const bool is_long = argument.starts_with("--");
  const std::string name =
      is_long ? std::string(argument.substr(0, argument.find('='))) : std::string("-") + letter;
  if (const std::string reason = why_refused(name); !reason.empty()) return mistake(name + ": " + reason, "");
  std::vector<std::string> fitting;
  for (const std::string& known : table.names())
    if (is_long && known.starts_with(name)) fitting.push_back(known);
  if (fitting.size() > 1)
    return mistake(name + " could be " + join(fitting, ", "), "Write one of them in full.");
  const std::string near = is_long ? nearest(name, table.names()) : "";
  return mistake("there is no option " + name,
                 near.empty() ? "See furrow map --help." : "Did you mean " + near + "?");
}

// The options up to the command; where the rest begins.
tl::expected<std::size_t, Leave> read_options(const std::vector<std::string>& arguments, Draft& draft) {
  const Table table;
  std::vector<std::string> words{"furrow map"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  // getopt_long() keeps its place in variables of its own; 0 makes it begin anew.
  optind = 0;
  opterr = 0;
  for (;;) {
    const int before = std::max(optind, 1);
    const int found = ::getopt_long(static_cast<int>(words.size()), argv.data(), table.short_form(),
                                    table.long_form(), nullptr);
    if (found == -1) return static_cast<std::size_t>(optind) - 1;
    const std::string& argument = words[static_cast<std::size_t>(before)];
    if (found == '?') {
      const Option* const known = optopt != 0 ? table.find(optopt) : nullptr;
      if (known) return tl::unexpected(mistake(argument.substr(0, argument.find('=')) + " takes no value"));
      return tl::unexpected(unknown(table, argument, static_cast<char>(optopt)));
    }
    if (found == ':') return tl::unexpected(mistake(argument + " needs a value"));
    const Option* const option = table.find(found);
    if (auto set = option->set(draft, optarg ? optarg : ""); !set)
      return tl::unexpected(mistake(with_dashes(option->names.substr(0, option->names.find(' '))) + ": " +
                                    set.error().message));
  }
}

// The command, and the groups of values behind it.
void read_rest(std::span<const std::string> words, Draft& draft) {
  MapOptions& map = draft.map;
  std::vector<SourceSpec> groups;
  bool in_group = false, is_file = false, linked = false;
  for (const std::string& word : words) {
    const std::string_view bare = std::string_view(word).substr(0, word.size() - word.ends_with('+'));
    const bool plain = bare.size() == word.size();
    const bool separates = word == draft.argument_separator || word == draft.file_separator ||
                           (!plain && (bare == draft.argument_separator || bare == draft.file_separator));
    if (separates) {
      linked = !(word == draft.argument_separator || word == draft.file_separator);
      is_file = (linked ? bare : std::string_view(word)) == draft.file_separator;
      in_group = true;
      if (!is_file) groups.push_back({false, {}, {}, linked});
    } else if (!in_group) {
      map.command.push_back(word);
    } else if (is_file) {
      groups.push_back({true, {}, word, linked});
    } else {
      groups.back().values.push_back(word);
    }
  }
  map.inputs.sources = std::move(draft.argument_files);
  map.inputs.sources.insert(map.inputs.sources.end(), groups.begin(), groups.end());
}

Set finish_batches(Draft& draft) {
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

Set finish_inputs(Draft& draft) {
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

Set finish_header_of_blocks(Draft& draft) {
  if (draft.header.empty()) return {};
  const auto lines = draft.header == ":" ? Result<std::int64_t>(1) : integer(draft.header);
  if (!lines || *lines < 0)
    return fail("--header " + draft.header + ": with --pipe it takes : or a number of lines");
  draft.map.split.header_lines = static_cast<std::uint64_t>(*lines);
  return {};
}

Set finish_pipe(Draft& draft) {
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

Set finish_output(Draft& draft) {
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

tl::expected<MapOptions, Leave> finish(Draft draft) {
  const bool pipes = draft.map.pipe != MapOptions::Pipe::kNo;
  for (const auto& part : {pipes ? finish_pipe : finish_inputs, finish_output})
    if (auto done = part(draft); !done) return tl::unexpected(mistake(done.error().message));
  draft.map.templates.append_value = !pipes;
  return std::move(draft.map);
}

}  // namespace

tl::expected<MapOptions, Leave> read_map_options(const std::vector<std::string>& arguments) {
  Draft draft;
  const auto end = read_options(arguments, draft);
  if (!end) return tl::unexpected(end.error());
  if (draft.help) return tl::unexpected(Leave{0, map_help()});
  read_rest(std::span(arguments).subspan(*end), draft);
  return finish(std::move(draft));
}

std::vector<std::string> map_option_names() {
  std::vector<std::string> names;
  for (const Option& option : all_options()) names.push_back(with_dashes(split(option.names, ' ').front()));
  return names;
}

}  // namespace furrow::cli

#include "cli/map/map_command_options.hpp"

#include <getopt.h>

#include <algorithm>
#include <span>

#include "base/strings.hpp"
#include "cli/map/map_help.hpp"
#include "cli/map/map_option_table.hpp"
#include "cli/map/map_refused.hpp"

namespace furrow::cli {

namespace {

using command::SourceSpec;

std::string with_dashes(std::string_view name) { return (name.size() == 1 ? "-" : "--") + std::string(name); }

// The options in the form of getopt_long(). `val` is kFirst plus the option's index.
class Table {
 public:
  Table() : options_(all_map_options()) {
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
  // The option for a value that getopt_long() returned.
  const MapOption* find(int found) const {
    if (found >= kFirst) return &options_[static_cast<std::size_t>(found - kFirst)];
    const std::size_t at = short_names_.find(static_cast<char>(found));
    return at == std::string::npos ? nullptr : &options_[short_indices_[at]];
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
    short_indices_.push_back(i);
  }

  std::vector<MapOption> options_;
  std::vector<std::pair<std::string, std::size_t>> names_;
  std::vector<option> long_;
  std::string short_ = "+:";  // '+': options end at the command; ':': report a missing value as such
  std::string short_names_;
  std::vector<std::size_t> short_indices_;
};

EarlyExit mistake(const std::string& message, const std::string& hint = "See furrow map --help.") {
  return {255, "furrow map: " + message + (hint.empty() ? "" : "\n  " + hint)};
}

// ARGUMENT is "--name=value", "--name" or a bundle of short options, in which SHORT_NAME is unknown.
EarlyExit unknown(const Table& table, std::string_view argument, char short_name) {
  const bool is_long = argument.starts_with("--");
  const std::string name =
      is_long ? std::string(argument.substr(0, argument.find('='))) : std::string("-") + short_name;
  if (const std::string reason = why_refused(name); !reason.empty()) return mistake(name + ": " + reason, "");
  std::vector<std::string> fitting;
  for (const std::string& known : table.names())
    if (is_long && known.starts_with(name)) fitting.push_back(known);
  if (fitting.size() > 1)
    return mistake(name + " is ambiguous: " + join(fitting, ", "), "Write one of them in full.");
  const std::string near = is_long ? nearest(name, table.names()) : "";
  return mistake("there is no option " + name,
                 near.empty() ? "See furrow map --help." : "Did you mean " + near + "?");
}

void note_repeated(const MapOption& option, const char* value, MapCommandOptions& map) {
  if (!option.is_repeated) return;
  const std::string name(option.names.substr(0, option.names.find(' ')));
  std::string words = with_dashes(name);
  if (value != nullptr && option.takes == Takes::kValue) words += " " + shell_quote(value);
  if (value != nullptr && option.takes == Takes::kMaybe) words += shell_quote(std::string("=") + value);
  map.repeated.push_back({name, std::move(words)});
}

// Reads the options up to the command; returns where the rest begins.
tl::expected<std::size_t, EarlyExit> read_options(const std::vector<std::string>& arguments,
                                                  MapParsedArgs& args) {
  const Table table;
  std::vector<std::string> words{"furrow map"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  // getopt_long() keeps its state in global variables; 0 resets it.
  optind = 0;
  opterr = 0;
  for (;;) {
    const int before = std::max(optind, 1);
    const int found = ::getopt_long(static_cast<int>(words.size()), argv.data(), table.short_form(),
                                    table.long_form(), nullptr);
    if (found == -1) return static_cast<std::size_t>(optind) - 1;
    const std::string& argument = words[static_cast<std::size_t>(before)];
    if (found == '?') {
      const MapOption* const known = optopt != 0 ? table.find(optopt) : nullptr;
      if (known) return tl::unexpected(mistake(argument.substr(0, argument.find('=')) + " takes no value"));
      return tl::unexpected(unknown(table, argument, static_cast<char>(optopt)));
    }
    if (found == ':') return tl::unexpected(mistake(argument + " needs a value"));
    const MapOption* const option = table.find(found);
    if (auto set = option->set(args, optarg ? optarg : ""); !set)
      return tl::unexpected(mistake(with_dashes(option->names.substr(0, option->names.find(' '))) + ": " +
                                    set.error().message));
    note_repeated(*option, optarg, args.map);
  }
}

// Reads the command, and the groups of values after it.
void read_rest(std::span<const std::string> words, MapParsedArgs& args) {
  MapCommandOptions& map = args.map;
  std::vector<SourceSpec> groups;
  bool in_group = false, is_file = false, linked = false;
  for (const std::string& word : words) {
    const std::string_view bare = std::string_view(word).substr(0, word.size() - word.ends_with('+'));
    const bool plain = bare.size() == word.size();
    const bool separates = word == args.argument_separator || word == args.file_separator ||
                           (!plain && (bare == args.argument_separator || bare == args.file_separator));
    if (separates) {
      linked = !(word == args.argument_separator || word == args.file_separator);
      is_file = (linked ? bare : std::string_view(word)) == args.file_separator;
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
  map.inputs.sources = std::move(args.argument_files);
  map.inputs.sources.insert(map.inputs.sources.end(), groups.begin(), groups.end());
}

}  // namespace

tl::expected<MapCommandOptions, EarlyExit> read_map_options(const std::vector<std::string>& arguments) {
  MapParsedArgs args;
  const auto end = read_options(arguments, args);
  if (!end) return tl::unexpected(end.error());
  if (args.help) return tl::unexpected(EarlyExit{0, map_help()});
  read_rest(std::span(arguments).subspan(*end), args);
  return finish(std::move(args)).map_error([](const Error& error) {
    return error.hint.empty() ? mistake(error.message) : mistake(error.message, error.hint);
  });
}

}  // namespace furrow::cli

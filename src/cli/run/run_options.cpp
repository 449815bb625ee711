#include "cli/run/run_options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>

#include "base/strings.hpp"
#include "cli/run/other_options.hpp"
#include "cli/run/run_option_table.hpp"
#include "cli/run/run_parsed_args.hpp"
#include "cli/run/run_profiles.hpp"

namespace furrow::cli {

namespace {

constexpr const char* kExamples =
    "Examples:\n"
    "  furrow run                        run the first rule of ./Snakefile on all cores\n"
    "  furrow run -c 4 results/a.txt     make one file, on four cores\n"
    "  furrow run -n                     print what would run, and why\n"
    "  furrow run --why results/a.txt    explain why it must be made, or need not\n"
    "  furrow run --config sample=x      set a value of the workflow's configuration\n";

// Can be neither copied nor moved: the parser points to its members.
class Parser {
 public:
  // Knows all options that have an effect.
  Parser() { set_up(nullptr); }
  // Knows the options that ARGUMENTS name.
  explicit Parser(const std::vector<std::string>& arguments) {
    const TypedNames typed(arguments);
    set_up(&typed);
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  // Throws CLI::ParseError.
  RunParsedArgs& parse(std::vector<std::string> arguments) {
    // Split here, because CLI11 takes a "--" after a list only for the end of the list.
    const auto end = std::find(arguments.begin(), arguments.end(), "--");
    const std::vector<std::string> targets(end == arguments.end() ? end : end + 1, arguments.end());
    arguments.erase(end, arguments.end());
    std::reverse(arguments.begin(), arguments.end());  // CLI11 wants them in reverse order
    app_.parse(std::move(arguments));
    args_.run.targets.insert(args_.run.targets.end(), targets.begin(), targets.end());
    args_.given = given_options(app_);
    return args_;
  }
  const CLI::App& app() const { return app_; }

 private:
  void set_up(const TypedNames* typed) {
    app_.footer(kExamples);
    app_.set_help_flag("-h,--help", "print this help and exit");
    app_.set_version_flag("-v,--version", "furrow " FURROW_VERSION, "print the version and exit");
    add_run_options(app_, args_, typed);
  }

  CLI::App app_{
      "Runs a Snakefile: finds out which files are missing or out of date, and makes them in parallel.",
      "furrow run"};
  RunParsedArgs args_;
};

std::string explain_mistake(const std::vector<std::string>& arguments, const std::string& message) {
  const std::vector<std::string> names = all_names(Parser().app());
  for (const std::string& argument : arguments) {
    if (argument == "--") break;
    if (!argument.starts_with("--")) continue;
    const std::string name = argument.substr(0, argument.find('='));
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    if (const OtherOption* const other = find_other_option(name)) return refusal(*other, name, {});
    const std::string near = nearest(name, names);
    return "there is no option " + name +
           (near.empty() ? "; see furrow run --help" : "\n  Did you mean " + near + "?");
  }
  constexpr std::string_view kNotConverted = "Could not convert: ";
  if (message.starts_with(kNotConverted)) {
    const std::string text = message.substr(kNotConverted.size());
    const std::size_t sign = text.find(" = ");
    if (sign != std::string::npos)
      return text.substr(0, sign) + " takes a number, not " + text.substr(sign + 3);
  }
  return message + "\n  See furrow run --help.";
}

EarlyExit mistake(const std::string& message) { return {2, "furrow run: " + message}; }
EarlyExit mistake(const Error& error) {
  return mistake(error.message + "\n  " + (error.hint.empty() ? "See furrow run --help." : error.hint));
}
EarlyExit failure(const Error& error) { return {1, "furrow: " + error.to_string()}; }

// Checks the options that were typed and have no effect; NOTES gets a line for each.
Result<void> note_without_effect(const RunParsedArgs& command_line, std::vector<std::string>& notes) {
  for (const OtherOption& option : other_options()) {
    const std::string names(option.names), name = first_long_name(names);
    if (!command_line.given.contains(name)) continue;
    const auto values = command_line.without_effect.find(names);
    if (values != command_line.without_effect.end())
      if (std::string why = refusal(option, name, values->second); !why.empty()) return fail(std::move(why));
    notes.push_back(name + " has no effect: " + std::string(option.text));
  }
  return {};
}

// Jobs of a group are submitted together; on one machine there is nothing to submit.
void note_groups(const RunParsedArgs& command_line, RunOptions& options) {
  if (options.executor.is_cluster()) return;
  for (const char* name : {"--groups", "--group-components"})
    if (command_line.given.contains(name))
      options.notes.push_back(std::string(name) + " has no effect: groups matter only on a cluster");
}

using Places = std::map<std::string, std::string>;

// Adds where the options that TEXT names come from.
std::string with_places(std::string text, const Places& places) {
  const std::string message = text;
  for (const auto& [name, place] : places) {
    const std::size_t at = message.find(name);
    if (at == std::string::npos) continue;
    const std::size_t end = at + name.size();
    if (end == message.size() ||
        (message[end] != '-' && !std::isalnum(static_cast<unsigned char>(message[end]))))
      text += "\n  " + name + " is given by " + place + ".";
  }
  return text;
}

// Puts the words of profiles into ALL, and where they come from into PLACES, so that an error message can explain
// them. Throws CLI::ParseError.
tl::expected<RunOptions, EarlyExit> read(std::vector<std::string>& all, Places& places) {
  Parser parser(all);
  const RunParsedArgs& command_line = parser.parse(all);
  std::vector<std::string> notes;
  if (auto checked = note_without_effect(command_line, notes); !checked)
    return tl::unexpected(mistake(checked.error()));
  const auto profiles = profiles_of(command_line.run);
  if (!profiles) return tl::unexpected(failure(profiles.error()));
  const auto more = profiles->empty() ? Result<ProfileArguments>(ProfileArguments{})
                                      : profile_arguments(*profiles, command_line, Parser().app());
  if (!more) return tl::unexpected(failure(more.error()));
  places = more->places;
  all.insert(std::find(all.begin(), all.end(), "--"), more->words.begin(), more->words.end());
  RunParsedArgs args = more->words.empty() ? command_line : Parser(all).parse(all);
  args.run.of_profiles = more->options;
  args.run.places = places;
  args.run.notes = std::move(notes);
  auto options = finish(std::move(args)).map_error([&](const Error& error) {
    EarlyExit exit = mistake(error);
    exit.text = with_places(std::move(exit.text), places);
    return exit;
  });
  if (options) note_groups(command_line, *options);
  return options;
}

}  // namespace

tl::expected<RunOptions, EarlyExit> read_run_options(const std::vector<std::string>& arguments) {
  std::vector<std::string> all = arguments;
  Places places;
  try {
    return read(all, places);
  } catch (const CLI::CallForVersion& version) {
    return tl::unexpected(EarlyExit{0, version.what()});
  } catch (const CLI::CallForHelp&) {
    return tl::unexpected(EarlyExit{0, Parser().app().help()});
  } catch (const CLI::ParseError& error) {
    return tl::unexpected(mistake(with_places(explain_mistake(all, error.what()), places)));
  }
}

}  // namespace furrow::cli

// The options that profiles add to the command line of `furrow run`.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/run/run_parsed_args.hpp"

namespace CLI {
class App;
}

namespace furrow::cli {

struct ProfileArguments {
  // In the form of a command line.
  std::vector<std::string> words;
  // The options among them, by their full names.
  std::set<std::string> options;
  std::map<std::string, std::string> places;  // FILE:LINE by option
};

// The command line overrides profiles, and earlier profiles override later ones. APP knows all options.
Result<ProfileArguments> profile_arguments(const std::vector<std::string>& profiles,
                                           const RunParsedArgs& command_line, const CLI::App& app);

// The profiles that the command line names, the last one first, as it overrides those before it. In front of them the
// workflow's own, which knows the workflow better than one for all workflows does.
Result<std::vector<std::string>> profiles_of(const RunOptions& command_line);

}  // namespace furrow::cli

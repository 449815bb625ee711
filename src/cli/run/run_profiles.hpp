// What profiles add to the command line of `furrow run`.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/run/run_draft.hpp"

namespace CLI {
class App;
}

namespace furrow::cli {

struct ProfileArguments {
  std::vector<std::string> words;  // in the form of a command line
  std::set<std::string> options;   // those among them, by their full names
};

// A profile's values stand where neither the command line nor an earlier profile says anything. APP knows all
// options.
Result<ProfileArguments> profile_arguments(const std::vector<std::string>& profiles,
                                           const RunDraft& command_line, const CLI::App& app);

// Those that the command line names; the workflow's own first: it knows the workflow better than one for all
// workflows does.
Result<std::vector<std::string>> profiles_of(const RunOptions& command_line);

}  // namespace furrow::cli

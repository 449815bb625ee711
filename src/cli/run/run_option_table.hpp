// The options of `furrow run`: their names, what the help says of them, and where in the draft they go.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "cli/run/run_draft.hpp"

namespace CLI {
class App;
}

namespace furrow::cli {

// Borrows DRAFT, which APP fills when it parses.
void add_run_options(CLI::App& app, RunDraft& draft);

// The first long name of an option, "--dry-run" for "-n"; NAME itself where there is none of that name.
std::string full_name(const CLI::App& app, const std::string& name);
// By their full names.
std::set<std::string> given_options(const CLI::App& app);
std::vector<std::string> all_names(const CLI::App& app);

}  // namespace furrow::cli

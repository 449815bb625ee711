// The options of `furrow run`: their names, their help, and where their values go.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "cli/run/run_parsed_args.hpp"

namespace CLI {
class App;
}

namespace furrow::cli {

// The names of options that a command line may give: "--name", "--name=value", "-n", and both letters of "-xn".
class TypedNames {
 public:
  explicit TypedNames(const std::vector<std::string>& arguments);

  // NAMES: "-n,--dry-run"; without a dash it is an argument, which is always there.
  bool has_one_of(const std::string& names) const;

 private:
  std::set<std::string> long_names_;
  std::string letters_;
};

// Those that were TYPED, since the parser takes long to set up all; null: all that have an effect. Borrows ARGS, which
// APP fills when it parses.
void add_run_options(CLI::App& app, RunParsedArgs& args, const TypedNames* typed = nullptr);

// The first long name of an option, "--dry-run" for "-n"; NAME itself if there is no such option.
std::string full_name(const CLI::App& app, const std::string& name);
// The options that were given, by their full names.
std::set<std::string> given_options(const CLI::App& app);
// With those of the options that are accepted but do nothing.
std::vector<std::string> all_names(const CLI::App& app);

}  // namespace furrow::cli

#include "cli/run/run_profiles.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/strings.hpp"
#include "cli/run/other_options.hpp"
#include "cli/run/profile.hpp"
#include "cli/run/run_option_table.hpp"

namespace furrow::cli {

namespace {

class Merge {
 public:
  Merge(const RunParsedArgs& command_line, const CLI::App& app)
      : app_(app), given_(command_line.given), executor_(command_line.executor) {}

  Result<void> add(const std::string& profile);
  ProfileArguments take() { return std::move(found_); }

 private:
  bool has_executor_option() const;
  Error unknown(const ProfileOption& option) const;

  const CLI::App& app_;
  std::set<std::string> given_;  // by the command line and by earlier profiles
  std::string executor_;
  ProfileArguments found_;
};

// These three together decide where jobs run: if any of them is given, all of them in a later profile are
// ignored.
const std::set<std::string>& where() {
  static const std::set<std::string> kOptions{"--executor", "--slurm", "--cluster"};
  return kOptions;
}

Error Merge::unknown(const ProfileOption& option) const {
  const std::string near = nearest("--" + option.name, all_names(app_));
  return {"there is no option " + option.name, option.file, option.line,
          near.empty() ? "See furrow run --help." : "Did you mean " + near.substr(2) + "?"};
}

bool Merge::has_executor_option() const {
  return std::any_of(where().begin(), where().end(),
                     [&](const std::string& name) { return given_.contains(name); });
}

Result<void> Merge::add(const std::string& profile) {
  auto options = FURROW_TRY(read_profile(profile));
  const bool has_executor = has_executor_option();
  for (const ProfileOption& option : options) {
    const std::string written = "--" + option.name, name = full_name(app_, written);
    if (const OtherOption* const other = find_other_option(written)) {
      const std::string why = refusal(*other, option.name, option.values);
      if (!why.empty()) return fail(Error{why, option.file, option.line});
      continue;
    }
    if (app_.get_option_no_throw(written) == nullptr) return fail(unknown(option));
    const bool is_missing = name == "--cluster" && executor_ == "cluster-generic";
    if (has_executor && where().contains(name) && !is_missing) continue;
    if (!given_.insert(name).second) continue;
    if (name == "--executor" && !option.values.empty()) executor_ = option.values.front();
    found_.options.insert(name);
    found_.words.push_back(written);
    found_.words.insert(found_.words.end(), option.values.begin(), option.values.end());
  }
  return {};
}

}  // namespace

Result<ProfileArguments> profile_arguments(const std::vector<std::string>& profiles,
                                           const RunParsedArgs& command_line, const CLI::App& app) {
  Merge merge(command_line, app);
  for (const std::string& profile : profiles) FURROW_TRY(merge.add(profile));
  return merge.take();
}

Result<std::vector<std::string>> profiles_of(const RunOptions& command_line) {
  std::vector<std::string> profiles = command_line.profiles;
  const char* const usual = std::getenv("SNAKEMAKE_PROFILE");
  if (profiles.empty() && usual && *usual) profiles.emplace_back(usual);
  std::erase(profiles, "none");
  const std::string& wanted = command_line.workflow_profile;
  if (wanted == "none") return profiles;
  const std::string own = find_workflow_profile(wanted, command_line.snakefile);
  if (own.empty() && wanted != "default")
    return fail(
        Error{"there is no workflow profile " + wanted, {}, 0, "Looked for it as a path and in profiles/."});
  if (!own.empty()) profiles.insert(profiles.begin(), own);
  return profiles;
}

}  // namespace furrow::cli

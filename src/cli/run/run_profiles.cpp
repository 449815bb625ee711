#include "cli/run/run_profiles.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

#include "base/strings.hpp"
#include "cli/run/other_options.hpp"
#include "cli/run/profile.hpp"
#include "cli/run/run_option_table.hpp"
#include "os/files/files.hpp"
#include "snakefile/fetch.hpp"

namespace furrow::cli {

namespace {

class Merge {
 public:
  Merge(const RunParsedArgs& command_line, const CLI::App& app)
      : app_(app),
        given_(command_line.given),
        executor_(command_line.executor),
        python_(command_line.run.python) {}

  Result<void> add(const std::string& profile);
  ProfileArguments take() { return std::move(found_); }

 private:
  Result<std::vector<ProfileOption>> read(const std::string& profile) const;
  bool has_executor_option() const;
  Error unknown(const ProfileOption& option) const;

  const CLI::App& app_;
  std::set<std::string> given_;  // by the command line and by earlier profiles
  std::string executor_;
  const std::string python_;
  ProfileArguments found_;
};

// These together decide where jobs run: if any of them is given, all of them in a later profile are
// ignored.
const std::set<std::string>& where() {
  static const std::set<std::string> kOptions{"--executor", "--slurm", "--cluster", "--cluster-sync"};
  return kOptions;
}

// Options whose value is a file or starts with a program, which may stand next to the profile.
const std::set<std::string>& may_be_next_to_profile() {
  static const std::set<std::string> kOptions{"--cluster",        "--cluster-sync", "--cluster-status",
                                              "--cluster-cancel", "--jobscript",    "--cluster-config",
                                              "--configfile"};
  return kOptions;
}

// VALUE with the path of its first word, if that is a file next to PROFILE and not one of the current folder.
std::string next_to(const std::string& profile, const std::string& value) {
  const std::size_t end = std::min(value.find(' '), value.size());
  const std::string name = value.substr(0, end), path = os::parent_of(profile) + "/" + name;
  if (name.empty() || name.starts_with('/') || os::status(name).exists() ||
      os::status(path).kind != os::FileStatus::Kind::kFile)
    return value;
  return os::absolute(path) + value.substr(end);
}

bool takes_no_value(const CLI::App& app, const std::string& name) {
  if (const OtherOption* const other = find_other_option("--" + name))
    return other->values == OtherOption::Values::kNone;
  const CLI::Option* const option = app.get_option_no_throw("--" + name);
  return option && option->get_items_expected_max() == 0;
}

// Whether an option without a value is turned on. As in Snakemake, "False" in quotes is false.
Result<bool> is_on(ProfileOption& option) {
  for (const std::string& value : std::exchange(option.values, {})) {
    std::string text;
    for (const char c : value) text += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (text == "false" || text == "no" || text == "0") return false;
    if (text != "true" && text != "yes" && text != "1")
      return fail(Error{option.name + ": " + value + " is neither true nor false", option.file, option.line,
                        "This option takes no value."});
  }
  return true;
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

// One on the web or in a git repository is fetched.
Result<std::vector<ProfileOption>> Merge::read(const std::string& profile) const {
  if (!snakefile::is_address(profile)) return read_profile(profile);
  const auto file = snakefile::fetch_first(python_, profile, profile_file_names());
  if (!file) return fail("there is no profile " + profile + ": " + file.error().message);
  return read_profile(*file);
}

Result<void> Merge::add(const std::string& profile) {
  auto options = FURROW_TRY(read(profile));
  const bool has_executor = has_executor_option();
  for (ProfileOption& option : options) {
    if (takes_no_value(app_, option.name) && !FURROW_TRY(is_on(option))) continue;
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
    found_.places.emplace(name, option.file + ":" + std::to_string(option.line));
    found_.words.push_back(written);
    for (const std::string& value : option.values)
      found_.words.push_back(may_be_next_to_profile().contains(name) ? next_to(option.file, value) : value);
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
  std::vector<std::string> profiles(command_line.profiles.rbegin(), command_line.profiles.rend());
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

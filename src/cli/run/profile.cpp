#include "cli/run/profile.hpp"

#include <cstdlib>
#include <iterator>

#include "base/strings.hpp"
#include "cli/run/expand_variables.hpp"
#include "os/files/files.hpp"
#include "snakefile/yaml_json.hpp"

namespace furrow::cli {

namespace {

constexpr const char* kFileNames[] = {"profile.v9+.yaml", "config.v9+.yaml", "profile.v8+.yaml",
                                      "config.v8+.yaml",  "profile.yaml",    "config.yaml"};

std::vector<std::string> places(const std::string& name) {
  std::vector<std::string> folders{name};
  if (name.find('/') == std::string::npos) {
    const char* const home = std::getenv("HOME");
    const char* const xdg = std::getenv("XDG_CONFIG_HOME");
    const std::string config = xdg && *xdg ? xdg : std::string(home ? home : "") + "/.config";
    folders.push_back(config + "/furrow/" + name);
    folders.push_back(config + "/snakemake/" + name);
    folders.push_back("/etc/xdg/snakemake/" + name);
  }
  std::vector<std::string> files;
  for (const std::string& folder : folders) {
    if (os::status(folder).kind == os::FileStatus::Kind::kFile) files.push_back(folder);
    for (const char* file : kFileNames) files.push_back(folder + "/" + file);
  }
  return files;
}

std::string scalar(const text::JsonValue& value) {
  if (value.IsString()) return expand_variables(std::string(text::view(value)));
  return text::to_text(value);
}

// {"a": {"mem": 1}} -> "a:mem=1"; {"a": 1} -> "a=1"
void flatten(const text::JsonValue& object, const std::string& prefix, std::vector<std::string>& values) {
  for (const auto& member : object.GetObject()) {
    const std::string name = prefix + std::string(text::view(member.name));
    if (member.value.IsObject()) {
      flatten(member.value, name + ":", values);
    } else {
      values.push_back(name + "=" + scalar(member.value));
    }
  }
}

// The line of KEY at the top level of a YAML file; 0 if it is not found there (JSON, for one).
int line_of(const std::string& text, std::string_view key) {
  int number = 0;
  for (const std::string& line : split(text, '\n')) {
    ++number;
    std::string_view rest = line;
    const bool quoted = rest.starts_with('"') || rest.starts_with('\'');
    if (quoted) rest.remove_prefix(1);
    if (!rest.starts_with(key)) continue;
    rest.remove_prefix(key.size() + (quoted && rest.size() > key.size() ? 1 : 0));
    const std::size_t next = rest.find_first_not_of(' ');
    if (next != std::string_view::npos && rest[next] == ':') return number;
  }
  return 0;
}

}  // namespace

std::string find_workflow_profile(const std::string& name, const std::string& snakefile) {
  std::string snakefile_folder = os::parent_of(snakefile);
  if (snakefile.empty())
    snakefile_folder = os::status("Snakefile").exists() || os::status("snakefile").exists() ? "" : "workflow";
  if (!snakefile_folder.empty()) snakefile_folder += "/";
  for (const std::string& place : {name, "profiles/" + name, snakefile_folder + "profiles/" + name}) {
    if (place == name && name == "default") continue;
    if (os::status(place).exists()) return place;
  }
  return {};
}

std::vector<std::string> profile_file_names() { return {std::begin(kFileNames), std::end(kFileNames)}; }

Result<std::vector<ProfileOption>> read_profile(const std::string& name) {
  for (const std::string& file : places(name)) {
    if (!os::status(file).exists()) continue;
    auto document = FURROW_TRY(snakefile::read_yaml(file));
    const std::string text = FURROW_TRY(os::read_file(file));
    std::vector<ProfileOption> options;
    if (document.root().IsNull()) return options;
    if (!document.root().IsObject())
      return fail(Error{"a profile must be a mapping of options to values", file});
    for (const auto& member : document.root().GetObject()) {
      ProfileOption option{std::string(text::view(member.name)), {}, file, 0};
      option.line = line_of(text, option.name);
      if (member.value.IsFalse() || member.value.IsNull()) continue;
      if (member.value.IsObject()) {
        flatten(member.value, "", option.values);
      } else if (member.value.IsArray()) {
        for (const auto& value : member.value.GetArray()) option.values.push_back(scalar(value));
      } else if (!member.value.IsTrue()) {
        option.values.push_back(scalar(member.value));
      }
      options.push_back(std::move(option));
    }
    return options;
  }
  return fail(Error{"there is no profile " + name,
                    {},
                    0,
                    "A profile is a folder with a config.yaml, given by its path or by its name in "
                    "~/.config/furrow or ~/.config/snakemake."});
}

}  // namespace furrow::cli

#include "cli/profile.hpp"

#include <cstdlib>

#include "os/files.hpp"
#include "snakefile/yaml_json.hpp"

namespace furrow::cli {

namespace {

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
    for (const char* file : {"/config.v9+.yaml", "/config.v8+.yaml", "/config.yaml"}) files.push_back(folder + file);
  }
  return files;
}

std::string scalar(const snakefile::JsonValue& value) {
  if (value.IsString()) return std::string(snakefile::view(value));
  return snakefile::to_text(value);
}

// {"a": {"mem": 1}} -> "a:mem=1"; {"a": 1} -> "a=1"
void flatten(const snakefile::JsonValue& object, const std::string& prefix, std::vector<std::string>& values) {
  for (const auto& member : object.GetObject()) {
    const std::string name = prefix + std::string(snakefile::view(member.name));
    if (member.value.IsObject()) {
      flatten(member.value, name + ":", values);
    } else {
      values.push_back(name + "=" + scalar(member.value));
    }
  }
}

}  // namespace

Result<std::vector<ProfileOption>> read_profile(const std::string& name) {
  for (const std::string& file : places(name)) {
    if (!os::status(file).exists()) continue;
    auto document = snakefile::read_yaml(file);
    if (!document) return fail(std::move(document.error()));
    std::vector<ProfileOption> options;
    if (document->root().IsNull()) return options;
    if (!document->root().IsObject()) return fail(Error{"a profile is a mapping of options to values", file});
    for (const auto& member : document->root().GetObject()) {
      ProfileOption option{std::string(snakefile::view(member.name)), {}};
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
  return fail(Error{"there is no profile " + name, {}, 0,
                    "A profile is a folder with a config.yaml, given by its path or by its name in ~/.config/furrow or ~/.config/snakemake."});
}

}  // namespace furrow::cli

#include "deploy/conda_file.hpp"

#include <md5.h>
#include <sys/utsname.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <system_error>

#include "os/files/file_systems.hpp"
#include "os/files/files.hpp"

namespace furrow::deploy {

namespace {

constexpr const char* kStarted = "/env_setup_start";
constexpr const char* kDoneInside = "/env_setup_done";
constexpr const char* kDoneOutside = ".env_setup_done";

std::string md5_of(const std::vector<std::string_view>& parts) {
  MD5_CTX context;
  MD5Init(&context);
  for (const std::string_view part : parts)
    MD5Update(&context, reinterpret_cast<const std::uint8_t*>(part.data()), part.size());
  char text[MD5_DIGEST_STRING_LENGTH];
  return MD5End(&context, text);
}

// As Python's os.path.realpath: what is not there is taken as it is.
std::string real_path(const std::string& path) {
  std::error_code error;
  const auto real = std::filesystem::weakly_canonical(os::absolute(path), error);
  return error ? os::absolute(path) : real.string();
}

std::string stem_of(const std::string& path) {
  for (const std::string_view end : {".yaml", ".yml"})
    if (path.ends_with(end)) return path.substr(0, path.size() - end.size());
  return path;
}

std::string stripped(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return std::string(line.substr(begin, line.find_last_not_of(" \t\r\n") - begin + 1));
}

// Follows `-r FILE`, in files that such a line names, too.
class Requirements {
 public:
  explicit Requirements(CondaFile& file) : file_(file), home_(os::parent_of(file.path)) {}

  void follow(const std::string& text, const std::string& folder) {
    const std::string line = stripped(text);
    if (!line.starts_with("-r ")) return;
    const std::string path = os::absolute(folder + "/" + stripped(line.substr(3)));
    if (!seen_.insert(path).second) return;
    const auto content = os::read_file(path);
    if (!content) return;  // conda will say so
    file_.requirements.push_back(std::filesystem::path(path).lexically_relative(home_).string());
    file_.requirements_content += *content;
    std::size_t begin = 0;
    while (begin < content->size()) {
      const std::size_t end = std::min(content->find('\n', begin), content->size());
      follow(content->substr(begin, end - begin), os::parent_of(path));
      begin = end + 1;
    }
  }

 private:
  CondaFile& file_;
  const std::string home_;
  std::set<std::string> seen_;
};

Error broken(const std::string& path, int line, const std::string& why) {
  return Error{"this is no description of a conda environment: " + why, path, line,
               "It needs channels: and dependencies:, as `conda env export` prints them."};
}

Result<void> read_dependencies(CondaFile& file) {
  try {
    const YAML::Node whole = YAML::Load(file.content);
    if (!whole.IsMap()) return fail(broken(file.path, 1, "it is not a mapping"));
    Requirements requirements(file);
    const YAML::Node dependencies = whole["dependencies"];
    if (!dependencies) return {};
    if (!dependencies.IsSequence())
      return fail(broken(file.path, dependencies.Mark().line + 1, "dependencies: is not a list"));
    for (const YAML::Node& each : dependencies) {
      if (!each.IsMap() || !each["pip"] || !each["pip"].IsSequence()) continue;
      for (const YAML::Node& line : each["pip"])
        if (line.IsScalar()) requirements.follow(line.Scalar(), os::parent_of(file.path));
    }
  } catch (const YAML::Exception& error) {
    return fail(broken(file.path, error.mark.line + 1, error.msg));
  }
  return {};
}

}  // namespace

std::string conda_platform() {
  if (const char* const chosen = std::getenv("CONDA_SUBDIR"); chosen && *chosen) return chosen;
  utsname name{};
  ::uname(&name);
  const std::string machine = name.machine;
  return "linux-" + (machine == "x86_64" ? "64" : machine);
}

Result<CondaFile> CondaFile::read(const std::string& path) {
  CondaFile file;
  file.path = path;
  auto content = os::read_file(path);
  if (!content)
    return fail(Error{"the file " + path + " of a conda environment cannot be read", "", 0,
                      "Paths in conda: are relative to the Snakefile that has the rule."});
  file.content = std::move(*content);
  FURROW_TRY(read_dependencies(file));
  const auto read_companion = [&](const std::string& end, std::string& where, std::string& text) {
    auto found = os::read_file(stem_of(path) + end);
    if (!found) return;
    where = stem_of(path) + end;
    text = std::move(*found);
  };
  read_companion(".post-deploy.sh", file.post_deploy, file.post_deploy_content);
  read_companion("." + conda_platform() + ".pin.txt", file.pins, file.pins_content);
  return file;
}

std::string CondaFile::content_hash() const {
  return md5_of({post_deploy_content, pins_content, content, requirements_content});
}

std::string CondaFile::hash(const std::string& folder) const {
  return md5_of({real_path(folder), image, post_deploy_content, pins_content, content, requirements_content});
}

std::string CondaFile::hash_of_version_7(const std::string& folder) const {
  return md5_of({real_path(folder), image, post_deploy_content, content});
}

CondaFolder find_conda_folder(const CondaFile& file, const std::string& folder) {
  const std::string base = os::absolute(folder) + "/";
  const std::string wanted = base + file.hash(folder) + "_";
  std::vector<std::string> candidates;
  for (const std::string& hash : {file.hash(folder), file.hash_of_version_7(folder)})
    candidates.insert(candidates.end(), {base + hash.substr(0, 8), base + hash, base + hash + "_"});
  for (const std::string& path : candidates) {
    if (!is_whole_conda_folder(path)) continue;
    const bool has_other_name = path.compare(0, base.size() + 8, wanted, 0, base.size() + 8) != 0;
    // The name of an environment of version 7 does not tell whether it was made from these pins.
    if (has_other_name &&
        (!file.requirements.empty() || os::read_file(path + ".pin.txt").value_or("") != file.pins_content))
      continue;
    return {path, true};
  }
  return {wanted, false};
}

bool is_whole_conda_folder(const std::string& path) {
  if (os::status(path).kind != os::FileStatus::Kind::kDirectory) return false;
  return os::status(path + kDoneOutside).exists() || os::status(path + kDoneInside).exists();
}

// The marks must not be on the disk before what they speak of.
Result<void> mark_whole(const std::string& path) {
  os::FileSystems file_systems;
  file_systems.add(path);
  (void)file_systems.sync();
  for (const std::string& file : {path + kStarted, path + kDoneInside, path + kDoneOutside})
    FURROW_TRY(os::write_file(file, ""));
  return {};
}

Result<void> remove_conda_folder(const std::string& path) {
  for (const char* const end : {kDoneOutside, "", ".yaml", ".pin.txt", ".post-deploy.sh"})
    FURROW_TRY(os::remove_tree(path + end));
  return {};
}

}  // namespace furrow::deploy

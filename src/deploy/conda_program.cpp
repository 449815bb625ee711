#include "deploy/conda_program.hpp"

#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "base/strings.hpp"
#include "os/files/files.hpp"
#include "os/process/process.hpp"

namespace furrow::deploy {

namespace {

bool is_program(const std::string& path) {
  return os::status(path).kind == os::FileStatus::Kind::kFile && ::access(path.c_str(), X_OK) == 0;
}

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::optional<std::string> find_in(const std::string& base, const std::string& name) {
  for (const char* const folder : {"/condabin/", "/bin/"})
    if (is_program(base + folder + name)) return base + folder + name;
  return std::nullopt;
}

std::optional<std::string> find_one(const std::string& name, const std::string& base) {
  if (!base.empty()) return find_in(base, name);
  if (const auto path = os::find_program(name, variable("PATH"))) return path;
  // In a shell that conda has set up, `conda` may be a function alone.
  const std::string known = variable(name == "conda" ? "CONDA_EXE" : "MAMBA_EXE");
  if (known.substr(known.rfind('/') + 1) == name && is_program(known)) return known;
  return std::nullopt;
}

}  // namespace

Result<CondaProgram> CondaProgram::find(const std::string& frontend, const std::string& base) {
  std::vector<std::string> names{"conda", "mamba", "micromamba"};
  if (!frontend.empty()) names = {frontend};
  for (const std::string& name : names) {
    auto path = find_one(name, base);
    if (!path) continue;
    CondaProgram program(name, os::absolute(*path));
    if (name == "mamba") program.activator_ = find_one("conda", base).value_or("");
    return program;
  }
  const std::string where = base.empty() ? "on PATH" : "in " + base + " (--conda-base-path)";
  return fail(
      Error{"there is no " + join(names, ", ") + " " + where, "", 0,
            "Install conda or micromamba, or activate what has it; without --use-conda the jobs run in the "
            "environment of furrow run."});
}

CondaProgram CondaProgram::in_container(const std::string& frontend) {
  const std::string name = frontend.empty() ? "conda" : frontend;
  CondaProgram program(name, name);
  if (name == "mamba") program.activator_ = "conda";
  return program;
}

std::vector<std::string> CondaProgram::create(const std::string& yaml, const std::string& folder) const {
  if (name_ == "micromamba") return {path_, "create", "--yes", "--quiet", "--file", yaml, "--prefix", folder};
  return {path_, "env", "create", "--quiet", "--file", yaml, "--prefix", folder};
}

std::vector<std::string> CondaProgram::create_from_pins(const std::string& pins,
                                                        const std::string& folder) const {
  return {path_, "create", "--quiet", "--yes", "--file", pins, "--prefix", folder};
}

std::vector<std::string> CondaProgram::clean(const std::string& what) const {
  std::vector<std::string> words{path_, "clean", "--yes", "--tarballs"};
  if (what == "cache") words.push_back("--packages");
  return words;
}

std::vector<std::string> CondaProgram::activate(const std::string& address) const {
  if (name_ == "conda") return {path_, "shell.posix", "activate", address};
  if (!activator_.empty()) return {activator_, "shell.posix", "activate", address};
  return {path_, "shell", "activate", address, "--shell", "bash"};
}

}  // namespace furrow::deploy

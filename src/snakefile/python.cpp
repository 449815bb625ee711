#include "snakefile/python.hpp"

#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "os/files/files.hpp"
#include "os/process/process.hpp"

namespace furrow::snakefile {

namespace {

constexpr const char* kPythonHint =
    "Install Python 3.9 or newer, or name one with --python or FURROW_PYTHON.";

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string folder_of_this_program() {
  char path[PATH_MAX];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  return n > 0 ? os::parent_of({path, static_cast<std::size_t>(n)}) : std::string();
}

}  // namespace

Result<std::string> find_python(const std::string& named) {
  std::string name = named.empty() ? variable("FURROW_PYTHON") : named;
  const bool is_default = name.empty();
  if (is_default) name = "python3";
  const auto found = os::find_program(name, variable("PATH"));
  if (found && ::access(found->c_str(), X_OK) == 0 &&
      os::status(*found).kind == os::FileStatus::Kind::kFile) {
    return os::absolute(*found);
  }
  if (is_default)
    return fail(
        Error{"there is no python3 on PATH, and a Snakefile needs Python to run", "", 0, kPythonHint});
  return fail(Error{"there is no Python at " + name, "", 0, kPythonHint});
}

Result<std::string> find_evaluator(const std::string& folder) {
  std::string place = folder.empty() ? variable("FURROW_EVALUATOR") : folder;
  if (place.empty()) place = folder_of_this_program() + "/../share/furrow/evaluator";
  std::string file = os::absolute(place + "/main.py");
  if (os::status(file).exists()) return file;
  return fail(Error{"a part of furrow is missing: " + file, "", 0,
                    "Reinstall furrow, or name the folder of its Python files with FURROW_EVALUATOR."});
}

}  // namespace furrow::snakefile

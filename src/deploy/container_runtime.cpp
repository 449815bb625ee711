#include "deploy/container_runtime.hpp"

#include <md5.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "base/strings.hpp"
#include "deploy/apptainer.hpp"
#include "deploy/charliecloud.hpp"
#include "deploy/oci.hpp"
#include "os/process/process.hpp"

namespace furrow::deploy {

namespace {

// More processes than this Podman does not grant without the right to raise limits.
constexpr rlim_t kMostProcesses = 32768;

std::string limit_of(int resource, rlim_t most) {
  rlimit limit{};
  ::getrlimit(static_cast<__rlimit_resource>(resource), &limit);
  const auto text = [&](rlim_t value) {
    return value == RLIM_INFINITY && most == RLIM_INFINITY ? std::string("-1")
                                                           : std::to_string(std::min(value, most));
  };
  return text(limit.rlim_cur) + ":" + text(limit.rlim_max);
}

Error missing(const std::vector<std::string>& names) {
  std::string hint =
      "Install it, or load its module; without --use-apptainer the jobs run in the environment of "
      "furrow run.";
  for (const char* const other : {"podman", "docker", "ch-run"}) {
    if (!is_on_path(other) || names.front() != "apptainer") continue;
    hint = std::string("There is ") + other + " (--container-runtime " +
           (other == std::string_view("ch-run") ? "charliecloud" : other) + "). " + hint;
    break;
  }
  return Error{"there is no " + join(names, " or ") + " on PATH, which is to run containers", "", 0, hint};
}

}  // namespace

ContainerLimits ContainerLimits::own() {
  return {limit_of(RLIMIT_NOFILE, RLIM_INFINITY), limit_of(RLIMIT_NPROC, kMostProcesses)};
}

bool is_on_path(const std::string& program) {
  const char* const path = std::getenv("PATH");
  return os::find_program(program, path == nullptr ? "" : path).has_value();
}

bool is_image_file(const std::string& image) { return image.find("://") == std::string::npos; }

std::string image_hash(const std::string& image) {
  char text[MD5_DIGEST_STRING_LENGTH];
  return MD5Data(reinterpret_cast<const std::uint8_t*>(image.data()), image.size(), text);
}

Result<std::unique_ptr<ContainerRuntime>> ContainerRuntime::find(const std::string& name,
                                                                 const std::string& prefix,
                                                                 const ContainerLimits& limits) {
  std::vector<std::string> programs{"apptainer", "singularity"};
  if (name == "apptainer" || name == "podman" || name == "docker") programs = {name};
  if (name == "charliecloud") programs = {"ch-run"};
  const auto found = std::find_if(programs.begin(), programs.end(), is_on_path);
  if (found == programs.end()) return fail(missing(programs));
  if (name == "podman" || name == "docker") return std::make_unique<Oci>(*found, prefix, limits);
  if (name == "charliecloud") return std::make_unique<Charliecloud>(*found, prefix);
  return std::make_unique<Apptainer>(*found, prefix);
}

}  // namespace furrow::deploy

#include "deploy/oci.hpp"

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "os/files/files.hpp"

namespace furrow::deploy {

namespace {

constexpr std::string_view kScheme = "docker://";

// What describes this machine and not the image. HOME is set by itself.
constexpr std::string_view kKept[] = {"PATH",
                                      "HOME",
                                      "HOSTNAME",
                                      "SHELL",
                                      "PWD",
                                      "OLDPWD",
                                      "LD_LIBRARY_PATH",
                                      "LD_PRELOAD",
                                      "PYTHONPATH",
                                      "PYTHONHOME",
                                      "R_LIBS",
                                      "PERLLIB",
                                      "PERL5LIB",
                                      "XDG_RUNTIME_DIR",
                                      "DBUS_SESSION_BUS_ADDRESS"};

// Docker takes a short name for one of docker.io; Podman may ask which registry is meant.
std::string full_name(const std::string& name) {
  const std::string first = name.substr(0, name.find('/'));
  const bool has_registry =
      first != name && (first == "localhost" || first.find_first_of(".:") != std::string::npos);
  if (has_registry) return name;
  return (first == name ? "docker.io/library/" : "docker.io/") + name;
}

}  // namespace

Oci::Oci(std::string program, const std::string& prefix, ContainerLimits limits)
    : ContainerRuntime(std::move(program), prefix), limits_(limits), has_crun_(is_on_path("crun")) {}

Result<void> Oci::accepts(const std::string& image) const {
  const bool is_folder = is_image_file(image) && os::status(image).kind == os::FileStatus::Kind::kDirectory;
  if (image.starts_with(kScheme) || (is_folder && is_podman())) return {};
  if (is_image_file(image) && is_podman() && !os::status(image).exists()) return {};  // it is missed later
  return fail(Error{program_ + " cannot run the image " + image, "", 0,
                    is_podman()
                        ? "It runs docker://NAME and folders that hold a file system; Apptainer runs others."
                        : "It runs docker://NAME; Apptainer runs others."});
}

std::string Oci::place(const std::string& image) const {
  if (is_image_file(image)) return image;
  const std::string name = image.substr(kScheme.size());
  return is_podman() ? full_name(name) : name;
}

std::vector<std::string> Oci::look_up(const std::string& image) const {
  if (is_podman()) return {program_, "image", "exists", place(image)};
  return {program_, "image", "inspect", "--format", "{{.Id}}", place(image)};
}

std::vector<std::vector<std::string>> Oci::pull(const std::string& image, const std::string&) const {
  return {{program_, "pull", place(image)}};
}

// Files belong to the user. Without root's rights, Podman maps the user to one of the same number.
std::vector<std::string> Oci::user_options() const {
  const std::string user = std::to_string(::geteuid()) + ":" + std::to_string(::getegid());
  std::vector<std::string> words{"--user", user};
  if (is_podman() && ::geteuid() != 0) words.insert(words.end(), {"--userns", "keep-id"});
  return words;
}

ContainerCommand Oci::command(const ContainerJob& job) const {
  ContainerCommand command;
  std::vector<std::string>& words = command.before;
  const auto add = [&](std::initializer_list<std::string> more) { words.insert(words.end(), more); };
  words = {program_, "run", "--rm", "--network", "host", "--log-driver", "none", "--entrypoint", ""};
  add({"--security-opt", "label=disable"});  // where SELinux would hide the folders
  add({"--ulimit", "nofile=" + limits_.files, "--ulimit", "nproc=" + limits_.processes});
  // It stays in the control group of a batch job. Only crun can do that.
  if (is_podman() && has_crun_) add({"--cgroups", "disabled"});
  for (const std::string& word : user_options()) words.push_back(word);
  for (const std::string& name : job.variables)
    if (std::find(std::begin(kKept), std::end(kKept), name) == std::end(kKept)) add({"--env", name});
  add({"--env", "HOME=" + job.home, "--workdir", job.directory});
  for (const std::string& folder : job.folders)
    add({"--mount", "type=bind,src=" + folder + ",dst=" + folder});
  add({"--mount", "type=bind,src=" + job.home + ",dst=" + job.home});
  // What the job writes beside the folders above is not kept.
  const bool is_folder = job.image.starts_with("/");
  if (is_folder) command.after = {"--rootfs"};
  command.after.push_back(is_folder ? job.image + ":O" : job.image);
  command.after.insert(command.after.end(), job.argv.begin(), job.argv.end());
  return command;
}

}  // namespace furrow::deploy

#include "deploy/charliecloud.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "os/files/files.hpp"

namespace furrow::deploy {

namespace {

constexpr std::string_view kScheme = "docker://";
constexpr const char* kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
// Folders that ch-run shows by itself.
constexpr std::string_view kShown[] = {"/tmp", "/dev", "/proc", "/sys"};

bool is_folder(const std::string& path) { return os::status(path).kind == os::FileStatus::Kind::kDirectory; }

bool is_shown(const std::string& folder) {
  for (const std::string_view shown : kShown)
    if (folder == shown || folder.starts_with(std::string(shown) + "/")) return true;
  return false;
}

// Follows no link of the image, which might lead out of it.
Result<void> make_mount_point(const std::string& image, const std::string& folder) {
  namespace fs = std::filesystem;
  std::string path = image;
  for (const fs::path& name : fs::path(folder).relative_path()) {
    path += "/" + name.string();
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    if (fs::is_directory(status)) continue;
    if (fs::exists(status)) return {};  // ch-run says whether it can use it
    fs::create_directory(path, error);
    if (error)
      return fail(Error{
          "the image " + image + " has no folder " + folder +
              ", which ch-run needs to show that of the host, and it cannot be made: " + error.message(),
          "", 0, "Make this folder in the image, or run in a folder below /tmp."});
  }
  return {};
}

std::string user_name() {
  const passwd* const user = ::getpwuid(::geteuid());
  return user == nullptr ? "user" : user->pw_name;
}

}  // namespace

Result<void> Charliecloud::accepts(const std::string& image) const {
  if (image.starts_with(kScheme)) {
    if (is_on_path("ch-image") && is_on_path("ch-convert")) return {};
    if (os::status(place(image)).exists()) return {};
    return fail(Error{"there is no ch-image or no ch-convert on PATH, which are to pull " + image, "", 0,
                      "Install Charliecloud's image builders; images that are folders need none."});
  }
  if (is_image_file(image) && !image.ends_with(".sif") && !image.ends_with(".simg")) return {};
  return fail(
      Error{"charliecloud cannot run the image " + image, "", 0,
            "It runs docker://NAME, folders that hold a file system, and SquashFS files; Apptainer runs "
            "others."});
}

std::string Charliecloud::place(const std::string& image) const {
  return is_image_file(image) ? image : prefix_ + "/" + image_hash(image) + ".charliecloud";
}

std::vector<std::vector<std::string>> Charliecloud::pull(const std::string& image,
                                                         const std::string& file) const {
  const std::string name = image.substr(kScheme.size());
  return {{"ch-image", "pull", name}, {"ch-convert", "-i", "ch-image", "-o", "dir", name, file}};
}

Result<void> Charliecloud::prepare(const ContainerJob& job) const {
  if (!is_folder(job.image)) return {};
  for (const std::string& folder : job.folders)
    if (!is_shown(folder)) FURROW_TRY(make_mount_point(job.image, folder));
  return is_shown(job.home) ? Result<void>() : make_mount_point(job.image, job.home);
}

ContainerCommand Charliecloud::command(const ContainerJob& job) const {
  ContainerCommand command;
  // It takes TMPDIR for what is to be /tmp in the container, and does not start without USER.
  command.removed = {"TMPDIR"};
  if (std::getenv("USER") == nullptr) command.environment = {{"USER", user_name()}};
  std::vector<std::string>& words = command.before;
  words = {program_};
  const auto add = [&](std::initializer_list<std::string> more) { words.insert(words.end(), more); };
  for (const std::string& folder : job.folders)
    if (!is_shown(folder)) add({"--bind", folder});
  if (!is_shown(job.home)) add({"--bind", job.home});
  add({"--cd", job.directory, "--unset-env=LD_*", "--unset-env=PYTHON*", "--unset-env=R_LIBS",
       "--unset-env=PERL*LIB"});
  add({std::string("--set-env=") + kPath});
  // What the image sets itself.
  if (is_folder(job.image) && os::status(job.image + "/ch/environment").exists()) add({"--set-env"});
  add({"--set-env=HOME=" + job.home, "--set-env=TMPDIR=" + job.temporary});
  command.after = {job.image, "--"};
  command.after.insert(command.after.end(), job.argv.begin(), job.argv.end());
  return command;
}

}  // namespace furrow::deploy

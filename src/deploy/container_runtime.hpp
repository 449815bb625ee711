// The program that runs containers, and its command lines: Apptainer (or Singularity), Podman, Docker, Charliecloud.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace furrow::deploy {

// What is to run in a container.
struct ContainerJob {
  std::string image{};  // as ContainerRuntime::place() names it
  std::vector<std::string> argv{};
  std::string home;                  // the folder of the workflow, which is HOME, too
  std::string directory;             // where it runs
  std::string temporary;             // the folder for temporary files, one of FOLDERS
  std::vector<std::string> folders;  // that it sees beside HOME, each under its own name
  // Names of variables that it gets. Some runtimes hand on all.
  std::vector<std::string> variables;
};

// Those that this process has, as "SOFT:HARD".
struct ContainerLimits {
  std::string files, processes;
  static ContainerLimits own();
};

// The user's further arguments stand between the two.
struct ContainerCommand {
  std::vector<std::string> before, after;
  // what the runtime's own program does not see of the job's environment, and what it sees besides
  std::vector<std::string> removed{};
  std::vector<std::pair<std::string, std::string>> environment{};
};

// Whether an image is an absolute path, and not an address such as docker://NAME.
bool is_image_file(const std::string& image);
bool is_on_path(const std::string& program);
// MD5, by which Snakemake names what it pulls.
std::string image_hash(const std::string& image);

class ContainerRuntime {
 public:
  // NAME: apptainer, podman, docker or charliecloud; empty: apptainer or singularity, the first that is on PATH. PREFIX: the
  // folder of images.
  static Result<std::unique_ptr<ContainerRuntime>> find(const std::string& name, const std::string& prefix,
                                                        const ContainerLimits& limits);

  virtual ~ContainerRuntime() = default;
  ContainerRuntime(const ContainerRuntime&) = delete;
  ContainerRuntime& operator=(const ContainerRuntime&) = delete;

  const std::string& program() const { return program_; }
  // Whether it can run such an image.
  virtual Result<void> accepts(const std::string& image) const = 0;
  // The file or folder of the image, or its name in the store of the runtime.
  virtual std::string place(const std::string& image) const = 0;
  // Ends with success if the store has the image; empty: place() is a path.
  virtual std::vector<std::string> look_up(const std::string&) const { return {}; }
  // What makes FILE of the current folder, or brings the image into the store.
  virtual std::vector<std::vector<std::string>> pull(const std::string& image,
                                                     const std::string& file) const = 0;
  virtual ContainerCommand command(const ContainerJob& job) const = 0;
  // Called before command().
  virtual Result<void> prepare(const ContainerJob&) const { return {}; }
  // Whether the job's processes are in another process group than the program.
  virtual bool leaves_group() const { return false; }

 protected:
  ContainerRuntime(std::string program, std::string prefix)
      : program_(std::move(program)), prefix_(std::move(prefix)) {}

  const std::string program_, prefix_;
};

}  // namespace furrow::deploy

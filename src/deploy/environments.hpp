// The software environments of a run: what must exist before a job, and what goes before its command.
//
// States of an environment: unknown -> (a job asks for it) setting up -> ready, or failed. A conda environment is
// activated once; its jobs get the variables that activation has changed. The image of a container is brought to this
// machine. Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "deploy/environment.hpp"
#include "os/events/event_loop.hpp"
#include "os/process/watchdog.hpp"
#include "plan/executor.hpp"

namespace furrow::deploy {

struct ContainerPlace;

struct Settings {
  // What runs scripts where an environment has no Python of its own.
  std::string python{};
  // Where conda environments are made.
  std::string conda_prefix = ".snakemake/conda";
  // "conda", "mamba" or "micromamba"; empty: the first that is found.
  std::string conda_frontend{};
  // The folder of a conda installation; empty: what PATH finds.
  std::string conda_base{};
  // After an environment is made: "tarballs", "cache" (both are removed), or empty.
  std::string conda_cleanup{};
  // Whether variables such as PYTHONPATH are kept from jobs in conda environments.
  bool blocks_search_paths = true;
  // What runs containers: apptainer, podman, docker or charliecloud; empty: apptainer or singularity.
  std::string container_runtime{};
  // Where images are kept. Absolute.
  std::string container_prefix = ".snakemake/singularity";
  // Further arguments for it, as a shell reads them.
  std::string container_arguments{};
  // For the logs of what failed.
  std::string log_folder = ".furrow/log";
};

class Environments {
 public:
  using Done = std::function<void(Result<void>)>;
  using Say = std::function<void(const std::string& line)>;

  explicit Environments(Settings settings);
  ~Environments();
  Environments(const Environments&) = delete;
  Environments& operator=(const Environments&) = delete;

  // Equal for two jobs that run in the same environment, in any run; empty for the engine's own.
  std::string identity(const Environment& environment);

  // From now on LOOP sets up what jobs ask for, and SAY gets lines for the user. WATCHDOG, which may be null, ends the
  // programs that do it if the engine dies. Borrowed, until detach().
  void attach(os::EventLoop& loop, os::Watchdog* watchdog, Say say);
  // Ends what is being set up, and removes what is half-made.
  void detach();
  // Whether jobs may be started: nothing is to be set up.
  bool is_ready(const Environment& environment) const;
  // Calls DONE from the loop, or at once if it is known how it ended.
  void set_up(const Environment& environment, Done done);
  std::size_t in_progress() const;  // how many are being set up

  // Changes LAUNCH so that it runs in ENVIRONMENT, which is ready, but not in its container yet.
  Result<void> apply(const Environment& environment, plan::Launch& launch) const;
  // Puts LAUNCH, with the job's own variables, into the container of ENVIRONMENT, if it has one.
  Result<void> contain(const Environment& environment, const ContainerPlace& place, plan::Launch& launch);

  // Where a conda environment is, or will be made.
  struct Place {
    std::string path;  // the name of one that has a name
    bool is_made = true;
  };
  Result<Place> place(const Environment& environment);
  // The same of a container's image. The name of one in the store of a runtime.
  Result<Place> place_of_image(const std::string& image);

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace furrow::deploy

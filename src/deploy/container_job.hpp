// Puts a job into a container: turns its launch into the command line of the runtime.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "deploy/activation.hpp"
#include "deploy/container_runtime.hpp"
#include "plan/executor.hpp"

namespace furrow::deploy {

struct ContainerPlace {
  std::string directory{};             // where the job runs; empty: in the folder of the workflow
  std::vector<std::string> folders{};  // that it reads beside that
};

class JobContainer {
 public:
  // IMAGE: as place() names it. ARGUMENTS: the user's own, as a shell reads them. HOME: the folder of the workflow.
  JobContainer(const ContainerRuntime& runtime, std::string image, std::string arguments, std::string home)
      : runtime_(runtime),
        image_(std::move(image)),
        arguments_(std::move(arguments)),
        home_(std::move(home)) {}

  const std::string& image() const { return image_; }
  // ACTIVATION: of the conda environment of the job, in the container; null: it has none.
  Result<void> put(const ContainerPlace& place, const Activation* activation, plan::Launch& launch) const;
  // The same for a command that sets something up. FOLDER is one that it writes.
  std::vector<std::string> put(std::vector<std::string> argv, const std::string& folder) const;

 private:
  ContainerJob job_with(const plan::Launch& launch, const ContainerPlace& place) const;

  const ContainerRuntime& runtime_;
  const std::string image_, arguments_, home_;
};

}  // namespace furrow::deploy

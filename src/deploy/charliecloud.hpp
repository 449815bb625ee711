// Charliecloud: ch-run, and ch-image and ch-convert for pulls. Images are folders with a file system, or SquashFS files.
#pragma once

#include <string>
#include <vector>

#include "deploy/container_runtime.hpp"

namespace furrow::deploy {

class Charliecloud final : public ContainerRuntime {
 public:
  Charliecloud(std::string program, std::string prefix)
      : ContainerRuntime(std::move(program), std::move(prefix)) {}

  Result<void> accepts(const std::string& image) const override;
  std::string place(const std::string& image) const override;
  std::vector<std::vector<std::string>> pull(const std::string& image,
                                             const std::string& file) const override;
  // ch-run shows a folder only where the image has one of that name.
  Result<void> prepare(const ContainerJob& job) const override;
  ContainerCommand command(const ContainerJob& job) const override;
};

}  // namespace furrow::deploy

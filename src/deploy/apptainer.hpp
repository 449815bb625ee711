// Apptainer and Singularity, whose command lines are the same. Images are files, or folders with a file system.
#pragma once

#include <string>
#include <vector>

#include "deploy/container_runtime.hpp"

namespace furrow::deploy {

class Apptainer final : public ContainerRuntime {
 public:
  Apptainer(std::string program, std::string prefix)
      : ContainerRuntime(std::move(program), std::move(prefix)) {}

  Result<void> accepts(const std::string&) const override { return {}; }
  // The names that Snakemake gives images; one that ends in .sif is used if it is there.
  std::string place(const std::string& image) const override;
  std::vector<std::vector<std::string>> pull(const std::string& image,
                                             const std::string& file) const override;
  ContainerCommand command(const ContainerJob& job) const override;
};

}  // namespace furrow::deploy

// Podman and Docker, whose command lines are almost the same. Images lie in a store of the program.
#pragma once

#include <string>
#include <vector>

#include "deploy/container_runtime.hpp"

namespace furrow::deploy {

class Oci final : public ContainerRuntime {
 public:
  // PROGRAM: podman or docker.
  Oci(std::string program, const std::string& prefix, ContainerLimits limits);

  Result<void> accepts(const std::string& image) const override;
  std::string place(const std::string& image) const override;
  std::vector<std::string> look_up(const std::string& image) const override;
  std::vector<std::vector<std::string>> pull(const std::string& image,
                                             const std::string& file) const override;
  ContainerCommand command(const ContainerJob& job) const override;
  bool leaves_group() const override { return true; }

 private:
  bool is_podman() const { return program_ == "podman"; }
  std::vector<std::string> user_options() const;

  const ContainerLimits limits_;
  const bool has_crun_;
};

}  // namespace furrow::deploy

// The name of a container image, taken apart as RO-Crate wants it.
#pragma once

#include <string>

namespace furrow::report {

struct ContainerImage {
  std::string registry{}, name{}, tag{}, sha256{};
  bool is_file = false;  // the name is a path
};

// "docker://quay.io/a/b:1.0", "docker://a/b@sha256:...", "/images/a.sif", "library://...".
ContainerImage container_image_of(const std::string& image);

}  // namespace furrow::report

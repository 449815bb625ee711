#include "report/crate/container_image.hpp"

#include <string_view>

namespace furrow::report {

namespace {

// As container programs tell a registry from the first part of a name.
bool is_registry(std::string_view part) {
  return part.find('.') != std::string_view::npos || part.find(':') != std::string_view::npos ||
         part == "localhost";
}

}  // namespace

ContainerImage container_image_of(const std::string& image) {
  ContainerImage made;
  const std::size_t scheme = image.find("://");
  if (scheme == std::string::npos || image.starts_with('/')) {
    made.name = image;
    made.is_file = true;
    return made;
  }
  const std::string_view kind = std::string_view(image).substr(0, scheme);
  std::string_view name = std::string_view(image).substr(scheme + 3);
  made.registry = kind == "docker" ? "docker.io" : kind;
  if (const std::size_t slash = name.find('/');
      slash != std::string_view::npos && is_registry(name.substr(0, slash))) {
    made.registry = name.substr(0, slash);
    name.remove_prefix(slash + 1);
  }
  if (const std::size_t at = name.find("@sha256:"); at != std::string_view::npos) {
    made.sha256 = name.substr(at + 8);
    name = name.substr(0, at);
  }
  if (const std::size_t colon = name.rfind(':'); colon != std::string_view::npos) {
    made.tag = name.substr(colon + 1);
    name = name.substr(0, colon);
  }
  made.name = name;
  return made;
}

}  // namespace furrow::report

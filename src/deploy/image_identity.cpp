#include "deploy/image_identity.hpp"

#include <fcntl.h>
#include <md5.h>
#include <unistd.h>

#include "deploy/container_runtime.hpp"
#include "os/files/descriptor.hpp"
#include "os/files/files.hpp"

namespace furrow::deploy {

namespace {

constexpr std::size_t kBeginning = 64 << 10;

std::string beginning_of(const std::string& path) {
  std::string text(kBeginning, '\0');
  const os::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const ssize_t n = file.get() < 0 ? 0 : ::pread(file.get(), text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

}  // namespace

std::string image_identity(const std::string& image) {
  const os::FileStatus status = is_image_file(image) ? os::status(image) : os::FileStatus{};
  if (status.kind != os::FileStatus::Kind::kFile) return "container " + image;
  return "container " + image_hash(beginning_of(image)) + " " + std::to_string(status.size);
}

}  // namespace furrow::deploy

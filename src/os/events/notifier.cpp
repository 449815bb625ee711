#include "os/events/notifier.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

namespace furrow::os {

Result<Notifier> Notifier::create() {
  Notifier made;
  made.read_end_ = made.write_end_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (made.read_end_ >= 0) return made;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
    return fail(system_error("cannot make an event descriptor"));
  made.read_end_ = ends[0];
  made.write_end_ = ends[1];
  return made;
}

Notifier::Notifier(Notifier&& other) noexcept
    : read_end_(std::exchange(other.read_end_, -1)), write_end_(std::exchange(other.write_end_, -1)) {}

Notifier& Notifier::operator=(Notifier&& other) noexcept {
  std::swap(read_end_, other.read_end_);
  std::swap(write_end_, other.write_end_);
  return *this;
}

Notifier::~Notifier() {
  if (read_end_ >= 0) ::close(read_end_);
  if (write_end_ >= 0 && write_end_ != read_end_) ::close(write_end_);
}

// A full pipe is readable, too.
void Notifier::notify() const {
  const std::uint64_t one = 1;
  while (::write(write_end_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void Notifier::clear() const {
  std::uint64_t bytes[64];
  while (::read(read_end_, bytes, sizeof bytes) == sizeof bytes) {
  }
}

}  // namespace furrow::os

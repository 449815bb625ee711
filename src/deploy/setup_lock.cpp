#include "deploy/setup_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

namespace furrow::deploy {

Result<void> SetupLock::open(const std::string& path) {
  if (file_) return {};
  file_.emplace(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (file_->get() >= 0) return {};
  return fail(system_error("cannot make the lock " + path));
}

bool SetupLock::take() {
  return ::flock(file_->get(), LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR);
}

}  // namespace furrow::deploy

#include "deploy/setup_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <utility>

namespace furrow::deploy {

namespace {

constexpr double kLookAgain_s = 0.25;

}  // namespace

void SetupLock::take(const std::string& path, const std::function<void()>& if_taken, Done done) {
  file_.emplace(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (file_->get() < 0) return done(fail(system_error("cannot make the lock " + path)));
  if (has_taken()) return done({});
  if_taken();
  look_again(std::move(done));
}

void SetupLock::look_again(Done done) {
  timer_ = loop_.after(kLookAgain_s, [this, done = std::move(done)] {
    timer_ = 0;
    has_taken() ? done({}) : look_again(done);
  });
}

bool SetupLock::has_taken() {
  return ::flock(file_->get(), LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR);
}

}  // namespace furrow::deploy

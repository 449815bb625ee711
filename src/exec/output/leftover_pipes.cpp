#include "exec/output/leftover_pipes.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace furrow::exec {

LeftoverPipes::~LeftoverPipes() {
  while (!pipes_.empty()) close(pipes_.front());
}

void LeftoverPipes::adopt(int fd) {
  if (pipes_.size() >= most_ && !pipes_.empty()) close(pipes_.front());
  pipes_.push_back(fd);
  loop_.watch(fd, EPOLLIN, [this, fd](std::uint32_t) { discard(fd); });
}

void LeftoverPipes::discard(int fd) {
  char nothing[16 * 1024];
  const ssize_t n = ::read(fd, nothing, sizeof nothing);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) close(fd);
}

void LeftoverPipes::close(int fd) {
  pipes_.erase(std::find(pipes_.begin(), pipes_.end(), fd));
  loop_.forget(fd);
  ::close(fd);
}

}  // namespace furrow::exec

#include "os/events/signals.hpp"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

#include "base/error.hpp"

namespace furrow::os {

SignalWatch::SignalWatch(EventLoop& loop, const std::vector<int>& signals,
                         std::function<void(int signal)> callback)
    : loop_(loop) {
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int signal : signals) ::sigaddset(&watched, signal);
  ::pthread_sigmask(SIG_BLOCK, &watched, &before_);
  fd_ = ::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) throw std::runtime_error(system_error("cannot watch for signals").message);
  loop_.watch(fd_, EPOLLIN, [fd = fd_, callback = std::move(callback)](std::uint32_t) {
    signalfd_siginfo info;
    while (::read(fd, &info, sizeof info) == sizeof info) callback(static_cast<int>(info.ssi_signo));
  });
}

SignalWatch::~SignalWatch() {
  loop_.forget(fd_);
  ::close(fd_);
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::vector<int> not_ignored(const std::vector<int>& signals) {
  std::vector<int> kept;
  for (const int signal : signals) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) kept.push_back(signal);
  }
  return kept;
}

}  // namespace furrow::os

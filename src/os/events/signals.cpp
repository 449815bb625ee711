#include "os/events/signals.hpp"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

#include "base/error.hpp"

namespace furrow::os {

namespace {
constexpr double kBetweenLooks_s = 0.1;
}

SignalWatch::SignalWatch(EventLoop& loop, const std::vector<int>& signals,
                         std::function<void(int signal)> callback)
    : loop_(loop), callback_(std::move(callback)) {
  ::sigemptyset(&watched_);
  for (const int signal : signals) ::sigaddset(&watched_, signal);
  ::pthread_sigmask(SIG_BLOCK, &watched_, &before_);
  fd_ = ::signalfd(-1, &watched_, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0 && errno != EPERM && errno != ENOSYS)
    throw std::runtime_error(system_error("cannot watch for signals").message);
  if (fd_ < 0) {
    look_again();
    return;
  }
  loop_.watch(fd_, EPOLLIN, [this](std::uint32_t) {
    signalfd_siginfo info;
    while (::read(fd_, &info, sizeof info) == sizeof info) callback_(static_cast<int>(info.ssi_signo));
  });
}

// Where the system refuses signalfd, looks for signals now and then.
void SignalWatch::look_again() {
  timer_ = loop_.after(kBetweenLooks_s, [this] {
    look_again();
    const timespec at_once{};
    for (int signal; (signal = ::sigtimedwait(&watched_, nullptr, &at_once)) > 0;) callback_(signal);
  });
}

SignalWatch::~SignalWatch() {
  loop_.cancel(timer_);
  if (fd_ >= 0) {
    loop_.forget(fd_);
    ::close(fd_);
  }
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

#include "exec/local/start_limit.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>

#include "os/cores/control_group.hpp"

namespace furrow::exec {

namespace {
constexpr std::uint64_t kProcessesEach = 3;
}

bool StartLimit::is_passing(int code) {
  return code == EAGAIN || code == EMFILE || code == ENFILE || code == ENOMEM;
}

void StartLimit::refused(std::size_t running, double now) {
  allowed_ = std::max<std::size_t>(1, std::min(allowed_, running / 2));
  ended_ = 0;
  if (running > 0) {
    idle_since_ = -1;
  } else if (idle_since_ < 0) {
    idle_since_ = now;
  }
}

void StartLimit::started() { idle_since_ = -1; }

void StartLimit::ended() {
  if (allowed_ == most_ || ++ended_ < allowed_) return;
  ended_ = 0;
  ++allowed_;
}

bool StartLimit::gives_up(std::size_t running, double now) const {
  return running == 0 && idle_since_ >= 0 && now - idle_since_ >= kPatience_s;
}

std::size_t attempts_in_process_limit() {
  std::uint64_t processes = std::numeric_limits<std::uint64_t>::max();
  rlimit limit{};
  // The limit of the user does not hold for root.
  if (::geteuid() != 0 && ::getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    processes = limit.rlim_cur;
  if (const auto most = os::process_limit()) processes = std::min(processes, *most);
  return static_cast<std::size_t>(std::max<std::uint64_t>(1, processes / kProcessesEach));
}

}  // namespace furrow::exec

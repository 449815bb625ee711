#include "os/events/event_loop.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <map>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "os/events/clock.hpp"

namespace furrow::os {

namespace {
constexpr int kMostEvents = 256;

// A descriptor's number can be forgotten and watched again between epoll_wait and the callback; the
// generation distinguishes the two.
std::uint64_t watch_key(int fd, std::uint32_t generation) {
  return static_cast<std::uint64_t>(generation) << 32 | static_cast<std::uint32_t>(fd);
}

int milliseconds(double seconds) {
  if (seconds < 0) return -1;
  return static_cast<int>(std::ceil(std::min(seconds, 1e6) * 1e3));
}

// If memory or descriptors for the loop itself run out, the engine cannot go on.
void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(system_error(what).message);
}
}  // namespace

struct EventLoop::State {
  struct Watch {
    std::uint32_t generation = 0;
    bool active = false;
    std::uint32_t events = 0;
    // Shared with the call in progress, which may forget its own descriptor.
    std::shared_ptr<Callback> callback;
  };
  using Due = std::pair<double, std::uint64_t>;  // time, then order of creation

  int epoll = -1;              // below 0 where the system refuses it: then poll() serves, more slowly
  std::vector<Watch> watches;  // by descriptor
  std::map<Due, std::function<void()>> timers;
  std::unordered_map<std::uint64_t, double> times;  // when each timer is due, by its id
  std::uint64_t last_timer = 0;

  void control(int operation, int fd, std::uint32_t events) {
    watches[static_cast<std::size_t>(fd)].events = events;
    if (epoll < 0) return;
    epoll_event event{};
    event.events = events;
    event.data.u64 = watch_key(fd, watches[static_cast<std::size_t>(fd)].generation);
    check(::epoll_ctl(epoll, operation, fd, &event) == 0, "cannot watch a descriptor");
  }

  bool dispatch(const epoll_event& event) {
    const std::size_t fd = static_cast<std::uint32_t>(event.data.u64);
    if (fd >= watches.size() || !watches[fd].active) return false;
    if (watches[fd].generation != static_cast<std::uint32_t>(event.data.u64 >> 32)) return false;
    const std::shared_ptr<Callback> callback = watches[fd].callback;
    (*callback)(event.events);
    return true;
  }

  int wait(epoll_event* events, int timeout_ms) {
    if (epoll >= 0) return ::epoll_wait(epoll, events, kMostEvents, timeout_ms);
    static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR && EPOLLHUP == POLLHUP);
    std::vector<pollfd> polled;
    for (std::size_t fd = 0; fd < watches.size(); ++fd)
      if (watches[fd].active)
        polled.push_back({static_cast<int>(fd), static_cast<short>(watches[fd].events), 0});
    ::poll(polled.data(), polled.size(), timeout_ms);
    int count = 0;
    for (const pollfd& each : polled) {
      if (each.revents == 0 || count == kMostEvents) continue;
      events[count].events = static_cast<std::uint32_t>(each.revents);
      events[count++].data.u64 = watch_key(each.fd, watches[static_cast<std::size_t>(each.fd)].generation);
    }
    return count;
  }

  double wait_s(double timeout_s) const {
    if (timers.empty()) return timeout_s;
    const double until = std::max(0.0, timers.begin()->first.first - monotonic_seconds());
    return timeout_s < 0 ? until : std::min(until, timeout_s);
  }

  // A timer that a callback adds waits for the next round, so that a timer that renews itself cannot block
  // the loop.
  bool fire_timers() {
    bool any = false;
    const std::uint64_t newest = last_timer;
    const double now = timers.empty() ? 0 : monotonic_seconds();
    for (auto timer = timers.begin(); timer != timers.end() && timer->first.first <= now;) {
      if (timer->first.second > newest) {
        ++timer;
        continue;
      }
      const std::function<void()> callback = std::move(timer->second);
      times.erase(timer->first.second);
      timers.erase(timer);
      callback();
      any = true;
      timer = timers.begin();
    }
    return any;
  }
};

EventLoop::EventLoop() : state_(std::make_unique<State>()) {
  state_->epoll = ::epoll_create1(EPOLL_CLOEXEC);
  check(state_->epoll >= 0 || errno == EPERM || errno == ENOSYS, "cannot make an event loop");
}

EventLoop::~EventLoop() {
  if (state_->epoll >= 0) ::close(state_->epoll);
}

void EventLoop::watch(int fd, std::uint32_t epoll_events, Callback callback) {
  const std::size_t place = static_cast<std::size_t>(fd);
  if (place >= state_->watches.size()) state_->watches.resize(place + 1);
  State::Watch& watch = state_->watches[place];
  ++watch.generation;
  watch.active = true;
  watch.callback = std::make_shared<Callback>(std::move(callback));
  state_->control(EPOLL_CTL_ADD, fd, epoll_events);
}

void EventLoop::change(int fd, std::uint32_t epoll_events) {
  state_->control(EPOLL_CTL_MOD, fd, epoll_events);
}

void EventLoop::forget(int fd) {
  const std::size_t place = static_cast<std::size_t>(fd);
  if (fd < 0 || place >= state_->watches.size() || !state_->watches[place].active) return;
  state_->watches[place].active = false;
  state_->watches[place].callback.reset();
  if (state_->epoll >= 0) ::epoll_ctl(state_->epoll, EPOLL_CTL_DEL, fd, nullptr);
}

std::uint64_t EventLoop::after(double delay_s, std::function<void()> callback) {
  const std::uint64_t id = ++state_->last_timer;
  const double due = monotonic_seconds() + std::max(0.0, delay_s);
  state_->timers.emplace(State::Due{due, id}, std::move(callback));
  state_->times.emplace(id, due);
  return id;
}

void EventLoop::cancel(std::uint64_t timer) {
  const auto found = state_->times.find(timer);
  if (found == state_->times.end()) return;
  state_->timers.erase({found->second, timer});
  state_->times.erase(found);
}

bool EventLoop::run_once(double timeout_s) {
  epoll_event events[kMostEvents];
  const int n = state_->wait(events, milliseconds(state_->wait_s(timeout_s)));
  bool any = false;
  for (int i = 0; i < n; ++i) any |= state_->dispatch(events[i]);
  any |= state_->fire_timers();
  return any;
}

}  // namespace furrow::os

// One poll loop for everything the engine waits for: children, the evaluator's socket, signals, timers. On
// epoll.
//
// One thread owns a loop and all its callbacks run in it. A callback may add and remove descriptors, its own
// included.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace furrow::os {

class EventLoop {
 public:
  using Callback = std::function<void(std::uint32_t epoll_events)>;

  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void watch(int fd, std::uint32_t epoll_events, Callback callback);  // borrows fd; once per fd
  void change(int fd, std::uint32_t epoll_events);
  void forget(int fd);

  // Calls back once, DELAY_S from now. The id cancels it.
  std::uint64_t after(double delay_s, std::function<void()> callback);
  void cancel(std::uint64_t timer);

  // Waits for at most TIMEOUT_S (negative: without end) and runs the callbacks of all that is due. False if
  // nothing was.
  bool run_once(double timeout_s);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace furrow::os

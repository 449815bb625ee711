// One epoll loop for everything the engine waits for: children, the evaluator's socket, signals, timers.
//
// One thread owns a loop, and all callbacks run in that thread. A callback may add and remove descriptors and
// timers, its own included. A descriptor or timer that was removed is no longer called, even if it was due
// in the same round. Not for regular files.
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
  void forget(int fd);  // call it before closing fd; does nothing if fd is not watched

  // Calls back once, DELAY_S from now, never from inside this call. The id, never 0, can cancel it.
  std::uint64_t after(double delay_s, std::function<void()> callback);
  void cancel(std::uint64_t timer);  // does nothing if it has fired

  // Waits for at most TIMEOUT_S (negative: without limit) and runs the callbacks of everything that is due:
  // first descriptors, then timers in the order of their times. False if nothing was due.
  bool run_once(double timeout_s);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace furrow::os

// A thread with a stack of a chosen size, which std::thread cannot have.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <functional>

namespace furrow::os {

// Joined when it is destroyed. Movable; a moved-from one is no thread.
class Thread {
 public:
  // Runs BODY, which must not throw. STACK_SIZE is in bytes, rounded up to whole pages; 0: the system's default. Throws
  // std::system_error if there can be no such thread: std::errc::invalid_argument if the stack is too small.
  Thread(std::function<void()> body, std::size_t stack_size);
  Thread(Thread&& other) noexcept;
  Thread& operator=(Thread&&) = delete;
  ~Thread();

 private:
  pthread_t thread_{};
  bool runs_ = false;
};

}  // namespace furrow::os

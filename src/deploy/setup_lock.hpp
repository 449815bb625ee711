// One process at a time sets up an environment: a lock (flock) on a file beside it, which ends with its process. A file
// system without locks is used without them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "os/events/event_loop.hpp"
#include "os/files/descriptor.hpp"

namespace furrow::deploy {

class SetupLock {
 public:
  using Done = std::function<void(Result<void>)>;

  explicit SetupLock(os::EventLoop& loop) : loop_(loop) {}  // borrowed
  ~SetupLock() { loop_.cancel(timer_); }
  SetupLock(const SetupLock&) = delete;
  SetupLock& operator=(const SetupLock&) = delete;

  // Makes the file PATH if it is not there, and calls DONE once this process has the lock: at once, or from the loop. IF_TAKEN
  // is called once, if another process has it.
  void take(const std::string& path, const std::function<void()>& if_taken, Done done);
  void release() { file_.reset(); }

 private:
  bool has_taken();
  void look_again(Done done);

  os::EventLoop& loop_;
  std::optional<os::Descriptor> file_{};
  std::uint64_t timer_ = 0;
};

}  // namespace furrow::deploy

#include "os/files/file_syncer.hpp"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace furrow::os {

struct FileSyncer::State {
  std::vector<int> descriptors;
  std::chrono::duration<double> interval;
  std::mutex mutex;
  std::condition_variable changed;
  bool dirty = false, over = false;
  std::thread thread;
  std::chrono::steady_clock::time_point synced{};  // of sync_here()

  // For lack of a thread the caller waits.
  void sync_here() {
    const auto now = std::chrono::steady_clock::now();
    if (now < synced + interval) return;
    for (const int fd : descriptors) ::fdatasync(fd);
    synced = now;
  }

  void run() {
    std::unique_lock lock(mutex);
    while (!over || dirty) {
      changed.wait(lock, [this] { return dirty || over; });
      if (!std::exchange(dirty, false)) continue;
      lock.unlock();
      for (const int fd : descriptors) ::fdatasync(fd);
      lock.lock();
      changed.wait_for(lock, interval, [this] { return over; });
    }
  }
};

FileSyncer::FileSyncer(std::vector<int> descriptors, double interval_s) : state_(std::make_unique<State>()) {
  state_->descriptors = std::move(descriptors);
  state_->interval = std::chrono::duration<double>(interval_s);
}

FileSyncer::~FileSyncer() {
  if (!state_->thread.joinable()) {
    if (state_->synced.time_since_epoch().count() == 0) return;  // nothing was written
    for (const int fd : state_->descriptors) ::fdatasync(fd);
    return;
  }
  {
    const std::lock_guard lock(state_->mutex);
    state_->over = true;
  }
  state_->changed.notify_all();
  state_->thread.join();
}

// The thread is created at the first write: until then there is nothing to do, and the program may still
// fork. The thread blocks all signals.
void FileSyncer::written() {
  if (!state_->thread.joinable()) {
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      state_->thread = std::thread([this] { state_->run(); });
    } catch (const std::system_error&) {  // a limit, or an old container that refuses clone3
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (!state_->thread.joinable()) return state_->sync_here();
  }
  bool was_dirty;
  {
    const std::lock_guard lock(state_->mutex);
    was_dirty = std::exchange(state_->dirty, true);
  }
  if (!was_dirty) state_->changed.notify_one();
}

}  // namespace furrow::os

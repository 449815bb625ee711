#include "furrow/process_mutex.hpp"

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <new>
#include <stdexcept>

namespace FURROW_NAMESPACE {

namespace {

constexpr double kLongest_s = 1e9;

[[noreturn]] void fail(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

void require(int error, const char* what) {
  if (error != 0) fail(error, what);
}

}  // namespace

HolderDied::HolderDied()
    : std::system_error(std::make_error_code(std::errc::owner_dead),
                        "a process ended while it held this mutex, so what it guards may be half changed") {}

// In memory that all processes share. BROKEN is read and written by the holder alone.
struct process_mutex::State {
  pthread_mutex_t mutex;
  bool broken;  // a holder has died, and nobody has repaired what it left

  // What taking the mutex has returned: 0, EOWNERDEAD, or an error. Returns whether this thread holds it now.
  bool taken(int error, const char* what) {
    if (error == ETIMEDOUT || error == EBUSY) return false;
    if (error == EOWNERDEAD) {
      ::pthread_mutex_consistent(&mutex);
      broken = true;
      error = 0;
    }
    require(error, what);
    return true;
  }
  bool taken_whole(int error, const char* what) {
    if (!taken(error, what)) return false;
    if (!broken) return true;
    ::pthread_mutex_unlock(&mutex);
    throw HolderDied();
  }
};

process_mutex::process_mutex() : state_(detail::shared_elements(1, sizeof(State), detail::Pages::kNow)) {
  auto* const state = ::new (state_.get()) State{};
  pthread_mutexattr_t attributes;
  require(::pthread_mutexattr_init(&attributes), "process_mutex");
  ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  ::pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
  const int error = ::pthread_mutex_init(&state->mutex, &attributes);
  ::pthread_mutexattr_destroy(&attributes);
  require(error, "process_mutex");
}

void process_mutex::lock() {
  auto& state = *static_cast<State*>(state_.get());
  state.taken_whole(::pthread_mutex_lock(&state.mutex), "process_mutex::lock");
}

bool process_mutex::try_lock() {
  auto& state = *static_cast<State*>(state_.get());
  return state.taken_whole(::pthread_mutex_trylock(&state.mutex), "process_mutex::try_lock");
}

bool process_mutex::try_lock_for(double seconds) {
  if (std::isnan(seconds)) throw std::invalid_argument("try_lock_for() needs a number of seconds, not NaN");
  timespec until{};
  ::clock_gettime(CLOCK_REALTIME, &until);
  const double bounded_s = std::clamp(seconds, 0.0, kLongest_s);
  const double whole_s = std::floor(bounded_s);
  until.tv_sec += static_cast<time_t>(whole_s);
  until.tv_nsec += static_cast<long>((bounded_s - whole_s) * 1e9);
  if (until.tv_nsec >= 1'000'000'000) {
    until.tv_nsec -= 1'000'000'000;
    ++until.tv_sec;
  }
  auto& state = *static_cast<State*>(state_.get());
  return state.taken_whole(::pthread_mutex_timedlock(&state.mutex, &until), "process_mutex::try_lock_for");
}

bool process_mutex::lock_to_repair() {
  auto& state = *static_cast<State*>(state_.get());
  state.taken(::pthread_mutex_lock(&state.mutex), "process_mutex::lock_to_repair");
  const bool was_broken = state.broken;
  state.broken = false;
  return was_broken;
}

void process_mutex::unlock() {
  auto& state = *static_cast<State*>(state_.get());
  require(::pthread_mutex_unlock(&state.mutex), "process_mutex::unlock");
}

}  // namespace FURROW_NAMESPACE

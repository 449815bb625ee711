// Asks tasks to stop when their time has run out. One thread for each Pool, started when it is first needed.
//
// Any thread may add and remove watches. When a watch runs out, a stop is requested once; the task may end at
// any time after that, and remove() then returns true. If one does not, a line on standard error says once what the
// program waits for.
#pragma once

#include <chrono>
#include <cmath>
#include <condition_variable>
#include <list>
#include <mutex>
#include <stop_token>
#include <thread>

namespace furrow::pool {

// The longest time limit, which is as good as none: 31 years, which all clocks here can add to now.
inline constexpr double kLongest_s = 1e9;
// Whether TIMEOUT_S limits anything: 0 and infinity do not.
inline bool is_limit(double timeout_s) { return timeout_s > 0 && !std::isinf(timeout_s); }

class TimeoutMonitor {
 public:
  using Clock = std::chrono::steady_clock;
  struct Watch {
    std::stop_source source{};
    Clock::time_point deadline = Clock::time_point::max();
    double timeout_s = 0;
    bool ran_out = false;
    const void* owner = nullptr;  // the map or call that the task belongs to
    std::list<Watch>::iterator self{};
  };

  TimeoutMonitor() = default;
  ~TimeoutMonitor();
  TimeoutMonitor(const TimeoutMonitor&) = delete;
  TimeoutMonitor& operator=(const TimeoutMonitor&) = delete;

  // A task of OWNER; 0: no deadline. Owned by the monitor until it is removed.
  Watch* add(double timeout_s, const void* owner);
  bool remove(Watch* watch);  // returns whether its time had run out
  // Requests a stop of every task of OWNER that is watched now; null: of all.
  void stop(const void* owner);

 private:
  void run(std::stop_token ending);
  Clock::time_point notice_overdue(const Watch& watch);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::list<Watch> watches_;
  // While the thread sleeps, when it looks next. An earlier deadline wakes it; most come later, and cost no call.
  Clock::time_point next_look_ = Clock::time_point::min();
  bool has_noticed_ = false;
  std::jthread thread_;  // last, so that it ends before the members that it uses
};

}  // namespace furrow::pool

// Ends tasks that take too long, where they take a std::stop_token: one thread for a Pool, started when first
// needed.
//
// Any thread may add and remove watches. A watch that has run out has had its stop requested once; the task
// may end at any time after, and remove() then says so.
#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <stop_token>
#include <thread>

namespace furrow::pool {

class Watchdog {
 public:
  using Clock = std::chrono::steady_clock;
  struct Watch {
    std::stop_source source{};
    Clock::time_point deadline = Clock::time_point::max();
    bool ran_out = false;
    std::list<Watch>::iterator self{};
  };

  Watchdog() = default;
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  Watch* add(double timeout_s);  // 0: no deadline, only a source. Ours until it is removed
  bool remove(Watch* watch);     // whether its time had run out
  void stop_all();               // requests the stop of every task that is watched now

 private:
  void run(std::stop_token ending);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::list<Watch> watches_;
  unsigned changes_ = 0;  // of deadlines
  std::jthread thread_;   // last: ends before what it uses
};

}  // namespace furrow::pool

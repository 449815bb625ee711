// Coroutines in flight on one loop: up to a given number at a time, with a time limit for each item.
//
// States of a Task: free -> waits to start (begin) -> running (inside of the loop) -> ended (reported by the loop; next_ended() returns it) ->
// waits to start (again) or free (give_back). All of it belongs to one thread; only wake() may be called from
// others.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <memory_resource>
#include <set>
#include <stop_token>
#include <utility>
#include <vector>

#include "furrow/detail/async_loop.hpp"

namespace furrow::pool {

class AsyncTasks final : public detail::AsyncHost {
 public:
  static constexpr std::int64_t kNever = INT64_MAX;

  // What a coroutine runs.
  struct Work {
    detail::AsyncStart how{};
    void* object = nullptr;
    std::uint64_t index = 0;
    double timeout_s = 0;    // for each item; 0: none
    bool stoppable = false;  // takes a stop token
    void* owner = nullptr;   // for the caller of begin()
  };
  struct Task final : detail::AsyncTask {
    using AsyncTask::AsyncTask;
    Work work{};
    std::int64_t began_ns = 0;
    std::int64_t deadline_ns = kNever;
    bool timed_out = false;
    bool waits = false;          // to start
    bool running = false;        // or waits
    bool cancelled = false;      // with its map, or its call
    std::exception_ptr error{};  // null if it has a result
    std::stop_source stop{std::nostopstate};
  };

  // MOST: coroutines in flight at a time. CORES_PER_TASK: for a Pool inside a task.
  AsyncTasks(std::unique_ptr<detail::AsyncLoop> loop, int most, int cores_per_task);
  ~AsyncTasks() override;

  // Whether no task can begin before the next step.
  bool full() const { return running_ == most_ || starting_.size() >= kAtOnce; }
  bool idle() const { return running_ == 0; }
  void begin(const Work& work, std::uint64_t seed, std::uint64_t number);
  void again(Task& task);
  void give_back(Task& task);
  // Runs coroutines that are ready, for which it waits until UNTIL_NS at most. Returns soon after any ends.
  void step(std::int64_t until_ns);
  Task* next_ended();  // null: none
  void cancel_all();   // asks all that run to end
  template <class Which>
  void cancel_if(const Which& which) {
    for (Task& each : tasks_)
      if (each.running && !each.cancelled && which(each)) cancel_task(each);
  }
  void wake() { loop_->wake(); }

  detail::AfterFailure failed(detail::TaskScope&, std::uint64_t) override;
  std::stop_token begin_watch(detail::TaskScope& scope) override;
  void end_watch(detail::TaskScope& scope) override;
  bool stop_requested(detail::TaskScope& scope) const noexcept override;
  void start_some() override;
  void ended(detail::AsyncTask& task, std::exception_ptr error) override;

 private:
  // Tasks that start in a step. Those that end soon leave their memory to the next ones.
  static constexpr std::size_t kAtOnce = 256;

  void forget_deadline(Task& task);
  void cancel_late();
  void cancel_task(Task& task);
  void cancel(Task& task);

  const int most_, cores_per_task_;
  int running_ = 0;  // tasks that run, or have ended and were not given back
  std::pmr::monotonic_buffer_resource memory_{};
  std::pmr::deque<Task> tasks_{&memory_};
  std::vector<Task*> free_;
  std::deque<Task*> starting_;
  std::deque<Task*> ended_;
  std::set<std::pair<std::int64_t, Task*>> deadlines_;
  std::unique_ptr<detail::AsyncLoop> loop_;  // last, since coroutines in it refer to the other members
};

// Throws the exception that TASK ended with; TimeRanOut if its time had run out.
[[noreturn]] void rethrow_end(const AsyncTasks::Task& task);

}  // namespace furrow::pool

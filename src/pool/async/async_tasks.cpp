#include "pool/async/async_tasks.hpp"

#include <algorithm>

#include "os/events/clock.hpp"
#include "pool/task/failure.hpp"
#include "pool/task/task_scope.hpp"
#include "pool/task/timeout_monitor.hpp"

namespace furrow::pool {

AsyncTasks::AsyncTasks(std::unique_ptr<detail::AsyncLoop> loop, int most, int cores_per_task)
    : most_(most), cores_per_task_(cores_per_task), loop_(std::move(loop)) {}

AsyncTasks::~AsyncTasks() {
  loop_.reset();
  // Scopes normally nest, and their destructors restore the outer one. These did not nest.
  detail::TaskScope* here = detail::switch_scope(nullptr);
  tasks_.clear();
  detail::switch_scope(here);
}

void AsyncTasks::begin(const Work& work, std::uint64_t seed, std::uint64_t number) {
  if (free_.empty()) {
    detail::TaskScope* here = current_scope();
    tasks_.emplace_back(detail::TaskOrigin{.worker = static_cast<int>(tasks_.size())}, this);
    detail::switch_scope(here);
    free_.push_back(&tasks_.back());
  }
  Task& task = *free_.back();
  task.renew({task.origin().worker, seed, number, cores_per_task_});
  task.work = work;
  again(task);
  free_.pop_back();
  ++running_;
}

void AsyncTasks::again(Task& task) {
  starting_.push_back(&task);
  task.forget_stream();
  task.error = nullptr;
  task.timed_out = task.cancelled = false;
  task.stop = task.work.stoppable ? std::stop_source() : std::stop_source(std::nostopstate);
  task.set_current(detail::ItemIndex{task.work.index});
  task.waits = task.running = true;
}

void AsyncTasks::start_some() {
  for (std::size_t i = 0; i < kAtOnce && !starting_.empty(); ++i) {
    Task& task = *starting_.front();
    starting_.pop_front();
    task.waits = false;
    task.began_ns = os::monotonic_ns();
    task.work.how.start(task.work.object, *loop_, task, task.work.index);
    if (task.cancelled) loop_->cancel(task);
  }
}

void AsyncTasks::give_back(Task& task) {
  free_.push_back(&task);
  --running_;
}

void AsyncTasks::step(std::int64_t until_ns) {
  if (!deadlines_.empty()) until_ns = std::min(until_ns, deadlines_.begin()->first);
  if (ended_.empty()) loop_->run(until_ns, starting_.empty() ? nullptr : this);
  cancel_late();
}

AsyncTasks::Task* AsyncTasks::next_ended() {
  if (ended_.empty()) return nullptr;
  Task* task = ended_.front();
  ended_.pop_front();
  return task;
}

void AsyncTasks::cancel(Task& task) {
  task.stop.request_stop();
  if (!task.waits) loop_->cancel(task);
}

void AsyncTasks::cancel_late() {
  if (deadlines_.empty()) return;
  const std::int64_t now = os::monotonic_ns();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    Task& task = *deadlines_.begin()->second;
    forget_deadline(task);
    task.timed_out = true;
    cancel(task);
  }
}

void AsyncTasks::cancel_task(Task& task) {
  task.cancelled = true;
  cancel(task);
}

void AsyncTasks::cancel_all() {
  cancel_if([](const Task&) { return true; });
}

bool AsyncTasks::stop_requested(detail::TaskScope& scope) const noexcept {
  const auto& task = static_cast<const Task&>(scope);
  return task.cancelled || task.timed_out;
}

// The failure is handled when the coroutine has ended.
detail::AfterFailure AsyncTasks::failed(detail::TaskScope&, std::uint64_t) {
  return detail::AfterFailure::kStop;
}

std::stop_token AsyncTasks::begin_watch(detail::TaskScope& scope) {
  auto& task = static_cast<Task&>(scope);
  if (is_limit(task.work.timeout_s)) {
    forget_deadline(task);
    task.deadline_ns =
        os::monotonic_ns() + static_cast<std::int64_t>(std::min(task.work.timeout_s, kLongest_s) * 1e9);
    deadlines_.emplace(task.deadline_ns, &task);
  }
  return task.stop.get_token();
}

void AsyncTasks::end_watch(detail::TaskScope& scope) {
  auto& task = static_cast<Task&>(scope);
  forget_deadline(task);
  if (task.timed_out) throw TimeRanOut{task.work.timeout_s};
}

void AsyncTasks::forget_deadline(Task& task) {
  if (task.deadline_ns == kNever) return;
  deadlines_.erase({task.deadline_ns, &task});
  task.deadline_ns = kNever;
}

void AsyncTasks::ended(detail::AsyncTask& ended_task, std::exception_ptr error) {
  auto& task = static_cast<Task&>(ended_task);
  forget_deadline(task);
  ++task.generation;  // coroutines that it left running no longer belong to a task
  task.running = false;
  task.error = std::move(error);
  ended_.push_back(&task);
}

void rethrow_end(const AsyncTasks::Task& task) {
  if (task.timed_out) throw TimeRanOut{task.work.timeout_s};
  std::rethrow_exception(task.error);
}

}  // namespace furrow::pool

#include "pool/async/async_stream.hpp"

#include "os/events/clock.hpp"

namespace furrow::pool {

void begin_task(AsyncTasks& tasks, const RunningMap& run, void* object, std::uint64_t index, void* owner) {
  tasks.begin({run.call.async, object, index, run.options.timeout_s, run.call.stoppable, owner}, run.seed,
              run.number);
}

bool settle_task(AsyncTasks& tasks, RunningMap& run, AsyncTasks::Task& task) {
  if (task.error) {
    try {
      rethrow_end(task);
    } catch (...) {
      const bool again = !task.cancelled && run.failed(task, task.work.index) == detail::AfterFailure::kAgain;
      if (again) {
        tasks.again(task);
        return false;
      }
    }
  }
  // A task that was cancelled with its map has neither a failure nor a result.
  if (!task.error || !task.cancelled)
    run.chunk_done(
        {task.origin().worker, {task.work.index, task.work.index + 1}, task.began_ns, os::monotonic_ns()});
  tasks.give_back(task);
  return true;
}

AsyncStream::AsyncStream(RunningMap& run, int in_flight)
    : run_(run),
      tasks_(run.call.async.make_loop(), in_flight, run.cores_per_task),
      waker_(run, [this] { tasks_.wake(); }) {}

AsyncStream::~AsyncStream() {
  run_.stop();
  tasks_.cancel_all();
  while (!tasks_.idle()) step();
}

void AsyncStream::submit(void* chunk, std::uint64_t begin, std::uint64_t end) {
  chunks_.push_back({chunk, begin, end, end - begin});
  chunks_.back().self = std::prev(chunks_.end());
  fill();
}

void AsyncStream::fill() {
  for (Chunk& each : chunks_) {
    for (; each.next < each.end && !tasks_.full(); ++each.next) {
      if (each.began_ns == 0) each.began_ns = os::monotonic_ns();
      begin_task(tasks_, run_, each.object, each.next, &each);
    }
    if (tasks_.full()) return;
  }
}

void AsyncStream::step() {
  tasks_.step(AsyncTasks::kNever);
  while (AsyncTasks::Task* task = tasks_.next_ended()) {
    auto* chunk = static_cast<Chunk*>(task->work.owner);
    if (settle_task(tasks_, run_, *task) && --chunk->left == 0) done_.push_back(chunk);
  }
}

detail::Stream::Done AsyncStream::wait() {
  while (done_.empty()) {
    if (chunks_.empty() || run_.stopped()) return {};
    fill();
    step();
  }
  const Chunk* chunk = done_.front();
  done_.pop_front();
  const Done done{chunk->object, static_cast<double>(os::monotonic_ns() - chunk->began_ns) * 1e-9};
  chunks_.erase(chunk->self);
  return done;
}

bool AsyncStream::take_failure(std::uint64_t index, Failure& failure) {
  return run_.take_failure(index, failure);
}

}  // namespace furrow::pool

#include "pool/async/async_stream.hpp"

#include "pool/map/participant.hpp"

namespace furrow::pool {

void begin_unit(AsyncTasks& tasks, const MapRun& run, void* object, std::uint64_t unit, void* owner) {
  tasks.begin({run.call.async, object, unit, run.options.timeout_s, run.call.stoppable, owner}, run.seed,
              run.number);
}

bool settle_unit(AsyncTasks& tasks, MapRun& run, AsyncTasks::Task& task) {
  if (task.error) {
    try {
      rethrow_end(task);
    } catch (...) {
      const bool again = !task.cancelled && run.failed(task, task.job.unit) == detail::AfterFailure::kAgain;
      if (again) {
        tasks.again(task);
        return false;
      }
    }
  }
  // One that was cancelled with its map neither failed nor has a result.
  if (!task.error || !task.cancelled)
    run.chunk_done({task.worker, {task.job.unit, task.job.unit + 1}, task.began_ns, steady_ns()});
  tasks.give_back(task);
  return true;
}

AsyncStream::AsyncStream(MapRun& run, int in_flight)
    : run_(run), tasks_(run.call.async.make_loop(), in_flight, run.share) {}

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
      if (each.began_ns == 0) each.began_ns = steady_ns();
      begin_unit(tasks_, run_, each.object, each.next, &each);
    }
    if (tasks_.full()) return;
  }
}

void AsyncStream::step() {
  tasks_.step(AsyncTasks::kNever);
  while (AsyncTasks::Task* task = tasks_.next_ended()) {
    auto* chunk = static_cast<Chunk*>(task->job.owner);
    if (settle_unit(tasks_, run_, *task) && --chunk->left == 0) done_.push_back(chunk);
  }
}

detail::Stream::Done AsyncStream::wait() {
  while (done_.empty()) {
    if (chunks_.empty()) return {};
    fill();
    step();
  }
  const Chunk* chunk = done_.front();
  done_.pop_front();
  const Done done{chunk->object, static_cast<double>(steady_ns() - chunk->began_ns) * 1e-9};
  chunks_.erase(chunk->self);
  return done;
}

bool AsyncStream::take_failure(std::uint64_t index, Failure& failure) {
  return run_.take_failure(index, failure);
}

}  // namespace furrow::pool

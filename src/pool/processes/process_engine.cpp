#include "pool/processes/process_engine.hpp"

#include <unistd.h>

#include <algorithm>
#include <bit>

#include "os/process/fork.hpp"
#include "pool/processes/forked_workers.hpp"
#include "pool/processes/process_stream.hpp"

namespace furrow::pool {

namespace {

constexpr std::size_t kKeptWarm = std::size_t{64} << 20;

// Without threads_are_safe, check() has already made sure of it.
bool is_alone(const MapOptions& options) { return !options.threads_are_safe || os::is_single_threaded_now(); }

}  // namespace

void SegmentCache::forget_if_inherited() {
  if (owner_ == ::getpid()) return;
  warm_.clear();  // drops only this process's mappings: the parent still uses its own
  owner_ = ::getpid();
}

os::SharedMemory SegmentCache::take(std::size_t size) {
  {
    const std::lock_guard lock(mutex_);
    forget_if_inherited();
    for (auto& each : warm_) {
      if (each.size() < size) continue;
      std::swap(each, warm_.back());
      os::SharedMemory found = std::move(warm_.back());
      warm_.pop_back();
      return found;
    }
  }
  auto made = os::SharedMemory::create(size);
  if (!made) throw PoolError(made.error().to_string());
  return std::move(*made);
}

void SegmentCache::put(os::SharedMemory segment) {
  const std::lock_guard lock(mutex_);
  forget_if_inherited();
  std::size_t kept = segment.size();
  for (const auto& each : warm_) kept += each.size();
  if (kept <= kKeptWarm) warm_.push_back(std::move(segment));
}

ProcessEngine::ProcessEngine(int workers, const PoolOptions& options)
    : workers_(workers), options_(options), persistent_(workers, options_) {}

ProcessEngine::~ProcessEngine() = default;

void ProcessEngine::check(const detail::MapCall& call, const MapOptions& options) const {
  if (call.cross.refusal)
    throw PoolError(std::string("a worker process cannot run this function: ") + call.cross.refusal);
  if (options.standing) return persistent_.check(call);
  if (!options.threads_are_safe && !os::is_single_threaded())
    throw PoolError(
        "this process has other threads, whose locks would stay locked forever in a forked worker: end "
        "them first, or set MapOptions::threads_are_safe if they cannot hold a lock that the function "
        "needs (malloc is safe), or use MapOptions::standing");
}

void ProcessEngine::check(const detail::CallNode& call) const { persistent_.check(call); }

void ProcessEngine::run(RunningMap& run) {
  if (run.options.standing) return persistent_.run(run);
  const int worker_count =
      static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(workers_), run.todo()));
  if (worker_count == 0) return;
  const std::size_t outbox = std::clamp(std::bit_floor(kKeptWarm / static_cast<std::size_t>(workers_)),
                                        std::size_t{64} << 10, ForkedWorkers::kOutbox);
  WorkerMemory memory(cache_.take(WorkerMemory::bytes_for(workers_, outbox, 0)), worker_count, outbox, 0);
  ForkedWorkers workers(run, options_, std::move(memory), is_alone(run.options));
  workers.run();
  if (workers.end(Ending::kNow)) cache_.put(workers.memory().take());
}

std::unique_ptr<detail::Stream> ProcessEngine::open(RunningMap& run) {
  return open_process_stream(run, options_, workers_, cache_, is_alone(run.options));
}

void ProcessEngine::submit(detail::CallNode* call, const std::stop_token& stop) {
  persistent_.submit(call);
  call->cancel_on(stop);
}
void ProcessEngine::cancel_calls() { persistent_.cancel_calls(); }
void ProcessEngine::wait() { persistent_.wait(); }

}  // namespace furrow::pool

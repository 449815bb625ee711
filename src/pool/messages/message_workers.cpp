#include "pool/messages/message_workers.hpp"

#include <algorithm>
#include <bit>

#include "base/log.hpp"
#include "os/events/clock.hpp"
#include "pool/messages/message_queue.hpp"
#include "pool/task/failure.hpp"

namespace furrow::pool {

namespace {

constexpr std::size_t kAllRings = std::size_t{64} << 20;

}  // namespace

std::size_t MessageWorkers::ring_bytes(int workers) {
  return std::clamp(std::bit_floor(kAllRings / 2 / static_cast<std::size_t>(workers)), std::size_t{64} << 10,
                    kRing);
}

std::size_t MessageWorkers::bytes_for(int workers) {
  return WorkerMemory::bytes_for(workers, ring_bytes(workers), ring_bytes(workers));
}

MessageWorkers::MessageWorkers(os::SharedMemory segment, int workers, const PoolOptions& options,
                               MessageHandler& handler, bool alone)
    : WorkerProcesses(WorkerMemory(std::move(segment), workers, ring_bytes(workers), ring_bytes(workers))),
      options_(options),
      outgoing_(static_cast<std::size_t>(workers)) {
  start_fork_server(alone, [this, &handler](int worker) {
    return MessageWorker(memory_, worker, options_, handler).main();
  });
}

MessageWorkers::MessageWorkers(os::SharedMemory segment, int workers, const PoolOptions& options,
                               const std::function<pid_t()>& spawn)
    : WorkerProcesses(WorkerMemory(std::move(segment), workers, ring_bytes(workers), ring_bytes(workers))),
      options_(options),
      outgoing_(static_cast<std::size_t>(workers)) {
  attach_fork_server(spawn());
}

int MessageWorkers::run_template(os::SharedMemory segment, int workers, const PoolOptions& options,
                                 MessageHandler& handler, pid_t parent) {
  const WorkerMemory memory =
      WorkerMemory::attach(std::move(segment), workers, ring_bytes(workers), ring_bytes(workers));
  return ForkServer::run_template(
      memory, parent, [&](int worker) { return MessageWorker(memory, worker, options, handler).main(); });
}

void MessageWorkers::start() {
  if (started_) return;
  started_ = true;
  for (int i = 0; i < workers(); ++i) start_worker(i);
}

void MessageWorkers::start_worker(int worker) {
  OutgoingState& fresh = outgoing(worker);
  fresh = {};
  memory_.ranges()[worker].range.store(0);
  want(worker);
  fresh.ring.emplace(channel::Ring::attach(memory_.inbox(worker)));
}

void MessageWorkers::submit(Chunk* chunk) {
  ledger_.add(chunk);
  start();
  if (!broken_.empty()) return collapse(broken_);
  dispatch_queue();
}

bool MessageWorkers::work() {
  if (!broken_.empty()) return false;
  try {
    const bool happened = step();
    end_stopped_tasks();
    if (dispatch_queue() || happened || !broken_.empty()) return true;
    return balance() && dispatch_queue();
  } catch (const PoolError& error) {
    collapse(error.what());
    return true;
  }
}

void MessageWorkers::rest(std::int64_t at_most_ns) {
  if (!broken_.empty()) return;
  try {
    sleep(at_most_ns);
  } catch (const PoolError& error) {
    collapse(error.what());
  }
}

// Stopping.

// A worker that was made to wait for a message ends as well.
void MessageWorkers::on_end() {
  for (OutgoingState& each : outgoing_)
    if (each.ring) each.ring->close();
}

std::vector<Chunk*> MessageWorkers::withdraw() {
  take_back_all();
  return ledger_.withdraw();
}

void MessageWorkers::stop(std::uint64_t id) {
  if (!ledger_.stop(id)) return;
  take_back_all();
  any_stopped_ = true;
  end_stopped_tasks();
}

// Asks tasks that should end, once, and kills the workers of those that do not obey.
void MessageWorkers::end_stopped_tasks() {
  if (!any_stopped_) return;
  any_stopped_ = false;
  const std::int64_t now = os::monotonic_ns();
  for (int i = 0; i < workers(); ++i) {
    OutgoingState& at = outgoing(i);
    if (at.sent.empty() || !ledger_.is_stopped(*at.sent.front().subchunk.chunk)) continue;
    any_stopped_ = true;
    const std::uint64_t task = task_of_message(at.sent.front().sequence);
    if (process(i).stop.load() != task) {
      ask_to_end(i, task);
      at.asked_ns = now;
    }
    if (!slot(i).asks() || now - at.asked_ns >= kTimeToEnd_ns) kill_worker(i);
  }
}

// Fails everything, since no worker can run it.
void MessageWorkers::collapse(const std::string& why) {
  broken_ = why;
  FURROW_LOG(pool, info, "the workers are given up, and all their work fails: {}", why);
  for (OutgoingState& each : outgoing_)
    for (; !each.sent.empty(); each.sent.pop_back()) ledger_.requeue(each.sent.back().subchunk);
  ledger_.fail_waiting(lost(why));
}

}  // namespace furrow::pool

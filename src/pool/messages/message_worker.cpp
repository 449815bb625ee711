#include "pool/messages/message_worker.hpp"
#include "pool/task/finalizer.hpp"

#include <unistd.h>

#include "os/events/clock.hpp"
#include "os/events/futex.hpp"
#include "pool/messages/message_queue.hpp"
#include "pool/task/failure.hpp"
#include "pool/workers/forked_worker.hpp"

namespace furrow::pool {

namespace {

// Sequence numbers may wrap.
bool is_before(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) < 0; }

constexpr std::int64_t kRing_ns = 100'000;  // small results may wait this long before the parent is woken

}  // namespace

MessageWorker::MessageWorker(const WorkerMemory& memory, int worker, const PoolOptions& options,
                             MessageHandler& handler)
    : memory_(memory),
      options_(options),
      handler_(handler),
      slot_(memory.slot(worker)),
      messages_(memory.ranges()[worker].range),
      outbox_(memory, worker),
      host_(memory, worker, outbox_, false),
      context_{worker, slot_, outbox_, host_},
      ring_(channel::Ring::attach(memory.inbox(worker))),
      frames_(ring_) {}

int MessageWorker::main() {
  const auto prepare = [this] {
    handler_.prepare(context_.worker);
    if (options_.initializer) options_.initializer();
  };
  if (!begin_worker(prepare, slot_, outbox_)) return 1;
  handler_.begin(context_);
  std::uint32_t sequence = 0;
  bool retires = false;
  while (claim(sequence)) {
    if (!serve(sequence)) return 0;
    if (options_.max_tasks_per_child == 0 || tasks_ < options_.max_tasks_per_child) continue;
    retires = true;
    break;
  }
  run_finalizer(options_.finalizer, context_.worker);
  if (retires) slot_.worker_state.store(WorkerState::kRetired);
  handler_.end();
  return 0;
}

// False when the workers are shut down.
bool MessageWorker::claim(std::uint32_t& sequence) {
  if (take_message(messages_, sequence)) return true;
  outbox_.ring_parent();
  handler_.idle();
  const auto come = [&] {
    const MessageRange now = messages_in(messages_.load());
    if (now.size() != 0 || now.next != next_) return channel::Status::kOk;
    return memory_.ending().load() == Ending::kNo ? channel::Status::kTimeout : channel::Status::kClosed;
  };
  channel::Patience patience{MessageHandler::kStillIdle_ns, nullptr};
  for (;;) {
    const channel::Status status = slot_.bell.wait(patience, os::kSpinNs, come);
    if (status == channel::Status::kTimeout) {
      if (handler_.still_idle()) patience = {};
      continue;
    }
    if (status != channel::Status::kOk) return false;
    if (take_message(messages_, sequence)) return true;
    if (!let_go()) return false;
  }
}

// Frees the room of messages that the parent took back. False if they are not there: then the word was overwritten
// by a task, and this process ends, to be replaced.
bool MessageWorker::let_go() {
  const MessageRange now = messages_in(messages_.load());
  if (now.size() != 0) return true;
  if (is_before(now.next, next_)) return false;
  channel::FrameHeader header;
  for (; next_ != now.next; ++next_) {
    if (frames_.peek(header, channel::kAtOnce) != channel::Status::kOk) return false;
    PartsReader(frames_, header.flags & kMore, nothing_).skip_rest();
  }
  return true;
}

// Handles message SEQUENCE, and skips those before it that were taken back. False if the parent is gone.
bool MessageWorker::serve(std::uint32_t sequence) {
  for (;;) {
    channel::FrameHeader header;
    if (frames_.peek(header) != channel::Status::kOk || header.kind != kMessage) return false;
    PartsReader body(frames_, header.flags & kMore, nothing_);
    MessageHead head{};
    body.read(&head, sizeof head);
    if (is_before(sequence, static_cast<std::uint32_t>(head.sequence)))
      return false;  // the word was overwritten
    const bool ours = static_cast<std::uint32_t>(head.sequence) == sequence;
    next_ = static_cast<std::uint32_t>(head.sequence) + 1;
    if (ours) handle(head, body);
    try {
      body.skip_rest();
    } catch (const ValueTorn&) {
      return false;
    }
    if (ours) return true;
  }
}

void MessageWorker::handle(const MessageHead& head, PartsReader& body) {
  const std::int64_t began = os::monotonic_ns();
  host_.tried(head.begin, static_cast<int>(head.attempts));
  host_.task = task_of_message(static_cast<std::uint32_t>(head.sequence));
  try {
    handler_.handle(head, head.with_map != 0, body, context_);
  } catch (const ValueDropped&) {  // the parent could not encode it, and has recorded the failure
  } catch (const ValueTorn&) {
    ::_exit(0);
  } catch (...) {
    outbox_.drop();
    Failure failure = current_failure();
    failure.original = nullptr;
    outbox_.send_failure(kNothing, failure);
  }
  slot_.published.clear();
  tasks_ += head.end - head.begin;
  const std::int64_t ended = os::monotonic_ns();
  outbox_.send_chunk({head.sequence, began, ended});
  if (outbox_.half_full() || ended - rang_ns_ > kRing_ns) {
    outbox_.ring_parent();
    rang_ns_ = ended;
  }
}

}  // namespace furrow::pool

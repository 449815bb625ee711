#include "pool/messages/message_worker.hpp"

#include <unistd.h>

#include "pool/crew/map_worker.hpp"
#include "pool/map/participant.hpp"
#include "pool/messages/message_queue.hpp"
#include "pool/task/failure.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kSpin_ns = 50'000;
constexpr std::int64_t kRing_ns = 100'000;  // the parent may sleep for so long over small results

}  // namespace

MessageWorker::MessageWorker(const CrewMemory& memory, int worker, const PoolOptions& options,
                             MessageHandler& handler)
    : memory_(memory),
      options_(options),
      handler_(handler),
      slot_(memory.slot(worker)),
      messages_(memory.ranges()[worker].range),
      outbox_(memory, worker),
      host_(slot_, outbox_, false),
      desk_{worker, slot_, outbox_, host_},
      ring_(channel::Ring::attach(memory.inbox(worker))),
      frames_(ring_) {}

int MessageWorker::main() {
  const auto prepare = [this] {
    handler_.prepare(desk_.worker);
    if (options_.initializer) options_.initializer();
  };
  if (!begin_worker(prepare, slot_, outbox_)) return 1;
  handler_.begin(desk_);
  std::uint32_t sequence = 0;
  while (claim(sequence)) {
    if (!serve(sequence)) return 0;
    if (options_.max_tasks_per_child == 0 || tasks_ < options_.max_tasks_per_child) continue;
    slot_.talk.store(Talk::kRetired);
    break;
  }
  handler_.end();
  return 0;
}

// False when the crew ends.
bool MessageWorker::claim(std::uint32_t& sequence) {
  if (take_message(messages_, sequence)) return true;
  outbox_.ring_parent();
  handler_.idle();
  const auto come = [&] {
    const MessageSpan now = messages_in(messages_.load());
    if (now.size() != 0 || now.next != next_) return channel::Status::kOk;
    return memory_.header().ending.load() == Ending::kNo ? channel::Status::kTimeout
                                                         : channel::Status::kClosed;
  };
  for (;;) {
    if (slot_.bell.wait({}, kSpin_ns, come) != channel::Status::kOk) return false;
    if (take_message(messages_, sequence)) return true;
    let_go();
  }
}

// The parent wants the room of messages that it took back.
void MessageWorker::let_go() {
  const MessageSpan now = messages_in(messages_.load());
  if (now.size() != 0) return;
  channel::FrameHeader header;
  for (; next_ != now.next; ++next_) {
    if (frames_.peek(header) != channel::Status::kOk) return;
    PartsReader(frames_, header.flags & kMore, nothing_).skip_rest();
  }
}

// Skips messages that were taken back. False where the parent is gone.
bool MessageWorker::serve(std::uint32_t sequence) {
  for (;;) {
    channel::FrameHeader header;
    if (frames_.peek(header) != channel::Status::kOk || header.kind != kMessage) return false;
    PartsReader body(frames_, header.flags & kMore, nothing_);
    MessageHead head{};
    body.read(&head, sizeof head);
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
  const std::int64_t began = steady_ns();
  host_.tried(head.begin, static_cast<int>(head.attempts));
  try {
    handler_.handle(head, head.with_job != 0, body, desk_);
  } catch (const ValueDropped&) {  // the parent could not encode it, and knows
  } catch (const ValueTorn&) {
    ::_exit(0);
  } catch (...) {
    outbox_.drop();
    Failure failure = current_failure();
    failure.original = nullptr;
    outbox_.send_failure(kNothing, failure);
  }
  slot_.published.store(kNothing, std::memory_order_relaxed);
  tasks_ += head.end - head.begin;
  const std::int64_t ended = steady_ns();
  outbox_.send_chunk({head.sequence, began, ended});
  if (outbox_.half_full() || ended - rang_ns_ > kRing_ns) {
    outbox_.ring_parent();
    rang_ns_ = ended;
  }
}

}  // namespace furrow::pool

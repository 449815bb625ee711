// How MessageWorkers handles its workers' reports, and their deaths.
#include <algorithm>
#include <cstring>

#include "base/log.hpp"
#include "pool/messages/message_queue.hpp"
#include "pool/messages/message_workers.hpp"
#include "pool/task/failure.hpp"

namespace furrow::pool {

namespace {

constexpr int kMostStartFailures = 8;  // deaths in a row before a first message, of one worker
constexpr int kMostVainRuns = 3;       // of the same index

}  // namespace

void MessageWorkers::on_frame(int worker, const channel::FrameHeader& header) {
  const bool is_report = header.kind == kResult || header.kind == kFailure || header.kind == kChunk;
  if (is_report && outgoing(worker).sent.empty()) throw Nonsense{};  // it was not sent any work
  switch (header.kind) {
    case kResult:
      return take_result(worker, header);
    case kPlain:
      return take_block(worker);
    case kFailure:
      return take_failure(worker);
    case kChunk:
      return take_chunk(worker);
    case kBroken: {
      PartsReader reader = value(worker, kWhole);
      const Failure failure = decode_failure(reader);
      reader.skip_rest();
      throw PoolError("the initializer failed in worker " + std::to_string(worker) + ": " + failure.message);
    }
    case kFiller:
    case kPart:  // of a value that was dropped
      return value(worker, kWhole).skip_rest();
    default:
      throw Nonsense{};
  }
}

// A worker that has overwritten its own memory may report anything.
void MessageWorkers::require_next(const Subchunk& subchunk, std::uint64_t index) {
  if (index != subchunk.next || index >= subchunk.end) throw Nonsense{};
}

void MessageWorkers::account(Subchunk& subchunk, std::uint64_t index) {
  subchunk.next = index + 1;
  --subchunk.chunk->left;
}

void MessageWorkers::take_result(int worker, const channel::FrameHeader& header) {
  PartsReader reader = value(worker, header.flags);
  std::uint64_t index = 0;
  reader.read(&index, sizeof index);
  Subchunk& subchunk = outgoing(worker).sent.front();
  require_next(subchunk, index);
  try {
    subchunk.chunk->store(index, reader);
  } catch (const ValueTorn&) {
    throw;
  } catch (const ValueDropped&) {
    return;  // its failure follows
  } catch (...) {
    Failure failure = lost("its result could not be read: " + current_failure().message);
    reader.skip_rest();
    fail(subchunk, index, std::move(failure), worker);
    return;
  }
  reader.skip_rest();
  account(subchunk, index);
}

void MessageWorkers::take_block(int worker) {
  channel::FrameReader& frames = *record(worker).frames;
  const std::span<const std::byte> frame = frames.contiguous();
  PlainHead head{};
  if (frame.size() < frames.remaining() || frame.size() < sizeof head) throw ValueTorn{};
  std::memcpy(&head, frame.data(), sizeof head);
  OutgoingState& from = outgoing(worker);
  if (from.sent.empty() || head.index != from.sent.front().next || head.results_at > frame.size() ||
      head.count > from.sent.front().end - head.index)
    throw ValueTorn{};
  store_block(from.sent.front(), head.index, head.count, frame.subspan(head.results_at), worker);
  frames.consume(frame.size());
}

void MessageWorkers::store_block(Subchunk& subchunk, std::uint64_t index, std::uint64_t count,
                                 std::span<const std::byte> bytes, int worker) {
  const std::uint64_t end = index + count;
  try {
    subchunk.chunk->store_block(index, count, bytes);
    subchunk.next = end;
    subchunk.chunk->left -= count;
  } catch (...) {
    const Failure failure = lost("its result could not be read: " + current_failure().message);
    while (subchunk.next < end) fail(subchunk, subchunk.next, failure, worker);
  }
}

// Stores the results that a dead worker had written to a block before it reached index REACHED.
void MessageWorkers::salvage(int worker, Subchunk& subchunk, std::uint64_t reached) {
  const std::uint64_t index = slot(worker).block.index();
  if (index != subchunk.next || reached <= index || reached > subchunk.end) return;
  const std::size_t at = slot(worker).block.at();
  const std::size_t size = channel::Ring::bytes_for(ring_bytes(workers()));
  if (at >= size) return;
  store_block(subchunk, index, reached - index, {memory_.outbox(worker) + at, size - at}, worker);
}

void MessageWorkers::take_failure(int worker) {
  PartsReader reader = value(worker, kWhole);
  std::uint64_t index = 0;
  reader.read(&index, sizeof index);
  Failure failure = decode_failure(reader);
  reader.skip_rest();
  Subchunk& subchunk = outgoing(worker).sent.front();
  if (index == kNothing) {
    failure.kind = FailureKind::kLost;
    failure.message = "its input could not be read: " + failure.message;
    return fail_rest(subchunk, failure, worker);
  }
  require_next(subchunk, index);
  if (failure.attempts > subchunk.chunk->retries || is_stopped(subchunk))
    return fail(subchunk, index, std::move(failure), worker);
  subchunk.next = index + 1;
  queue(subchunk.chunk, index, index + 1, failure.attempts, true);
}

void MessageWorkers::fail(Subchunk& subchunk, std::uint64_t index, Failure failure, int worker) {
  failure.index = subchunk.chunk->item_of(index, failure.index);
  account(subchunk, index);
  subchunk.chunk->failed(std::move(failure), index, worker);
}

void MessageWorkers::fail_rest(Subchunk& subchunk, const Failure& failure, int worker) {
  while (subchunk.next < subchunk.end) fail(subchunk, subchunk.next, failure, worker);
}

void MessageWorkers::take_chunk(int worker) {
  PartsReader reader = value(worker, kWhole);
  ChunkTail tail;
  reader.read(&tail, sizeof tail);
  reader.skip_rest();
  OutgoingState& from = outgoing(worker);
  from.start_failures = 0;
  Subchunk subchunk = from.sent.front();
  from.sent.pop_front();
  from.tasks += subchunk.end - subchunk.begin;
  fail_rest(subchunk, is_stopped(subchunk) ? cancelled(kStopped) : lost("it was not reported"), worker);
  finish(subchunk, worker, {tail.began_ns, tail.ended_ns});
  close_gap(worker);
}

void MessageWorkers::finish(Subchunk subchunk, int worker, const Chunk::Times& times) {
  --subchunks_;
  --subchunk.chunk->subchunks;
  if (subchunk.chunk->subchunks == 0 && subchunk.chunk->left == 0) subchunk.chunk->done(worker, times);
}

double MessageWorkers::time_limit_s(int worker) const {
  const OutgoingState& at = outgoing(worker);
  return at.sent.empty() ? 0 : at.sent.front().chunk->timeout_s;
}

bool MessageWorkers::overdue(int worker, std::uint64_t item) {
  const OutgoingState& at = outgoing(worker);
  if (at.sent.empty()) return false;
  const std::uint64_t index = at.sent.front().chunk->index_of_item(item);
  return index >= at.sent.front().next && index < at.sent.front().end;
}

// Whether the word of its messages, or the index of its inbox, is not what they can be; or it waits for the rest of a
// message, though all were written; or for other work, though it has begun some that it has not reported.
bool MessageWorkers::is_inconsistent(int worker) {
  OutgoingState& at = outgoing(worker);
  const channel::Ring& inbox = at.ring->ring();
  const bool waits_for_rest = inbox.is_reader_parked();
  inbox.wake_anyway();
  if (waits_for_rest || at.ring->is_torn()) return true;
  if (at.sent.empty()) return false;
  const MessageRange now = messages_in(memory_.ranges()[worker].range.load());
  const std::uint32_t oldest = at.sent.front().sequence;
  const std::uint32_t sent = at.sent.back().sequence + 1 - oldest;
  if (now.end - oldest != sent || now.next - oldest > sent) return true;
  return now.next != oldest && is_asleep(worker);
}

// Deaths.

void MessageWorkers::on_death(int worker, int wait_status) {
  const WorkerState worker_state = slot(worker).worker_state.load();
  OutgoingState& dead = outgoing(worker);
  const bool is_retired = options_.max_tasks_per_child > 0 && dead.tasks >= options_.max_tasks_per_child;
  account_for_death(worker, wait_status, worker_state != WorkerState::kStarting && !is_retired);
  if (worker_state == WorkerState::kStarting && options_.initializer)
    throw PoolError("the initializer failed in worker " + std::to_string(worker) + ": its process " +
                    how_it_ended(wait_status));
  dead.start_failures = worker_state == WorkerState::kStarting ? dead.start_failures + 1 : 0;
  if (dead.start_failures > kMostStartFailures)
    throw PoolError("worker processes end before they begin a task; the last one " +
                    how_it_ended(wait_status));
  FURROW_LOG(pool, info, "worker {} is replaced", worker);
  start_worker(worker);
  restarted(worker);
}

void MessageWorkers::account_for_death(int worker, int wait_status, bool has_begun) {
  std::deque<Subchunk> sent = std::exchange(outgoing(worker).sent, {});
  if (sent.empty()) return;
  const std::uint64_t item = item_at_death(worker, sent.front(), has_begun);
  if (item != kNothing) salvage(worker, sent.front(), sent.front().chunk->index_of_item(item));
  std::vector<Subchunk> unbegun;
  for (Subchunk& each : sent) {
    const bool first = &each == &sent.front();
    if (is_stopped(each))
      drop(each, worker);
    else if (first && item != kNothing)
      attribute_failure(worker, each, item, wait_status, unbegun);
    else if (each.next == each.end)
      finish(each, worker, {});
    else
      unbegun.push_back(rest_of(each, each.next));
  }
  if (!unbegun.empty())
    FURROW_LOG(pool, info, "{} chunks of worker {} are queued again", unbegun.size(), worker);
  for (auto each = unbegun.rbegin(); each != unbegun.rend(); ++each) queue_.push_front(*each);
}

// The item that a dead worker was running.
std::uint64_t MessageWorkers::last_item(int worker, const Subchunk& on) {
  // Its reports are garbled. One task must count as failed, or the same could repeat without end.
  if (record(worker).garbled) return on.next * on.chunk->items_per_index;
  return slot(worker).published.load();
}

// The item of ON that a dead worker was running, or kNothing. A worker may end between two items, or because another
// task has overwritten its words; so ON is tried again. But a task that overwrites the word that names it would then
// run for ever.
std::uint64_t MessageWorkers::item_at_death(int worker, Subchunk& on, bool has_begun) {
  if (on.next == on.end) return kNothing;
  const std::uint64_t item = last_item(worker, on);
  if (item != kNothing && holds(on, on.chunk->index_of_item(item))) return item;
  if (on.next != on.begin) on.vain_runs = 0;
  if (!has_begun || ++on.vain_runs < kMostVainRuns) return kNothing;
  FURROW_LOG(pool, info, "{} workers in a row ended at the same item, without a report", on.vain_runs);
  return on.next * on.chunk->items_per_index;
}

MessageWorkers::Subchunk MessageWorkers::rest_of(const Subchunk& subchunk, std::uint64_t index) {
  Subchunk rest = subchunk;
  if (index != subchunk.begin) rest.attempts = rest.vain_runs = 0;
  rest.begin = rest.next = index;
  return rest;
}

// The worker died while it ran ITEM, which fails or is tried again. The rest of the subchunk goes to UNBEGUN.
void MessageWorkers::attribute_failure(int worker, Subchunk& subchunk, std::uint64_t item, int wait_status,
                                       std::vector<Subchunk>& unbegun) {
  const std::uint64_t index = subchunk.chunk->index_of_item(item);
  const int thrown =
      slot(worker).failed_item.load() == item ? static_cast<int>(slot(worker).attempts.load()) : 0;
  const int attempts = std::max(thrown, index == subchunk.begin ? subchunk.attempts : 0) + 1;
  // The indices before it were reported, since the outbox has been read to its end. If some were not, because
  // they ran at the same time, they run once more.
  if (subchunk.next < index) {
    Subchunk before = rest_of(subchunk, subchunk.next);
    before.end = index;
    before.attempts = 0;
    unbegun.push_back(before);
  }
  if (index + 1 < subchunk.end) unbegun.push_back(rest_of(subchunk, index + 1));
  subchunks_ += unbegun.size();
  subchunk.chunk->subchunks += static_cast<std::uint32_t>(unbegun.size());
  const bool is_retried = attempts <= subchunk.chunk->retries;
  FURROW_LOG(pool, info, "worker {} died while it ran item {}, attempt {}: the item {}", worker,
             subchunk.chunk->item_of(index, item), attempts, is_retried ? "is tried again" : "has failed");
  if (is_retried) {
    queue(subchunk.chunk, index, index + 1, attempts, true);
  } else {
    const std::uint64_t failed_item = subchunk.chunk->item_of(index, item);
    Failure failure = record(worker).late_item == item ? timed_out(failed_item, subchunk.chunk->timeout_s)
                                                       : died(failed_item, wait_status);
    failure.attempts = attempts;
    fail(subchunk, index, std::move(failure), worker);
  }
  finish(subchunk, worker, {});
}

}  // namespace furrow::pool

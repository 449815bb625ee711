// How MessageWorkers handles its workers' reports, and their deaths.
#include <algorithm>
#include <cstring>

#include "base/log.hpp"
#include "pool/messages/message_queue.hpp"
#include "pool/messages/message_workers.hpp"
#include "pool/task/failure.hpp"

namespace furrow::pool {

// What a worker reports on. One that has overwritten its own memory may report anything.
MessageWorkers::Subchunk& MessageWorkers::running(int worker) {
  std::deque<Sent>& sent = outgoing(worker).sent;
  if (sent.empty()) throw Nonsense{};
  return sent.front().subchunk;
}

void MessageWorkers::check_result(int worker, std::uint64_t index) {
  const Subchunk& subchunk = running(worker);
  if (index != subchunk.begin || subchunk.size() == 0) throw Nonsense{};
}

void MessageWorkers::on_plain(int worker, std::span<const std::byte> frame) {
  PlainHead head;
  if (frame.size() < sizeof head) throw Nonsense{};
  std::memcpy(&head, frame.data(), sizeof head);
  Subchunk& subchunk = running(worker);
  if (head.results_at > frame.size() || head.index != subchunk.begin || head.count > subchunk.size())
    throw Nonsense{};
  store_block(subchunk, head.count, frame.subspan(head.results_at), worker);
}

void MessageWorkers::store_block(Subchunk& subchunk, std::uint64_t count, std::span<const std::byte> bytes,
                                 int worker) {
  try {
    subchunk.chunk->store_block(subchunk.begin, count, bytes);
    ledger_.reported(subchunk, count);
  } catch (...) {
    const Failure failure = unread_result();
    for (; count > 0; --count) ledger_.failed(subchunk, failure, worker);
  }
}

// Stores the results that a dead worker had written to a block before it reached index REACHED.
void MessageWorkers::salvage(int worker, Subchunk& subchunk, std::uint64_t reached) {
  if (slot(worker).block.index() != subchunk.begin || reached <= subchunk.begin) return;
  const std::size_t at = slot(worker).block.at();
  const std::size_t size = channel::Ring::bytes_for(ring_bytes(workers()));
  if (at >= size) return;
  store_block(subchunk, reached - subchunk.begin, {memory_.outbox(worker) + at, size - at}, worker);
}

void MessageWorkers::on_failure(int worker, std::uint64_t index, Failure failure) {
  if (index == kNothing)
    return ledger_.rest_failed(running(worker), unread_input(std::move(failure)), worker);
  check_result(worker, index);
  ledger_.attempt_failed(running(worker), std::move(failure), worker);
}

void MessageWorkers::on_chunk(int worker, const ChunkTail& tail) {
  const Subchunk subchunk = running(worker);
  OutgoingState& from = outgoing(worker);
  from.tasks += from.sent.front().tasks;
  from.sent.pop_front();
  ledger_.over(subchunk, worker, {tail.began_ns, tail.ended_ns});
  close_gap(worker);
}

double MessageWorkers::time_limit_s(int worker) const {
  const OutgoingState& at = outgoing(worker);
  return at.sent.empty() ? 0 : at.sent.front().subchunk.chunk->timeout_s;
}

bool MessageWorkers::overdue(int worker, std::uint64_t item) {
  const OutgoingState& at = outgoing(worker);
  if (at.sent.empty()) return false;
  const Subchunk& subchunk = at.sent.front().subchunk;
  return subchunk.has(subchunk.chunk->index_of_item(item));
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
  const bool is_retired =
      options_.max_tasks_per_child > 0 && outgoing(worker).tasks >= options_.max_tasks_per_child;
  account_for_death(worker, wait_status, worker_state != WorkerState::kStarting && !is_retired);
  if (worker_state == WorkerState::kStarting) {
    if (options_.initializer) throw PoolError(initializer_failed(worker, wait_status));
    ledger_.died_in_vain(workers(), wait_status);
  }
  FURROW_LOG(pool, info, "worker {} is replaced", worker);
  start_worker(worker);
  restarted(worker);
}

void MessageWorkers::account_for_death(int worker, int wait_status, bool has_begun) {
  std::deque<Sent> sent = std::exchange(outgoing(worker).sent, {});
  if (sent.empty()) return;
  for (; sent.size() > 1; sent.pop_back()) ledger_.requeue(sent.back().subchunk);
  Subchunk& subchunk = sent.front().subchunk;
  // If its reports are garbled, the next task must count as failed, or the same could repeat without end.
  const std::uint64_t last = record(worker).garbled ? subchunk.begin * subchunk.chunk->items_per_index
                                                    : slot(worker).published.load();
  const std::uint64_t item = ledger_.item_at_death(subchunk, last, has_begun);
  if (item != kNothing) salvage(worker, subchunk, subchunk.chunk->index_of_item(item));
  ledger_.died(subchunk, worker, death_at(worker, item, wait_status));
}

}  // namespace furrow::pool

// How MessageWorkers sends subchunks to its workers, and takes back those that they have not begun.
#include <algorithm>

#include "pool/messages/message_queue.hpp"
#include "pool/messages/message_workers.hpp"
#include "pool/messages/message_writers.hpp"
#include "pool/task/failure.hpp"

namespace furrow::pool {

int MessageWorkers::least_busy(bool idle_only) const {
  int best = -1;
  for (int i = 0; i < workers(); ++i) {
    const OutgoingState& each = outgoing(i);
    const ProcessState process_state = process(i).process_state.load();
    if (process_state != ProcessState::kAlive && process_state != ProcessState::kWanted) continue;
    if (each.sent.size() >= window || (each.gap && !each.sent.empty())) continue;
    if (idle_only && !each.sent.empty()) continue;
    if (best < 0 || each.sent.size() < outgoing(best).sent.size()) best = i;
  }
  return best;
}

bool MessageWorkers::dispatch_queue() {
  bool happened = false;
  while (ledger_.waits()) {
    const int worker = least_busy(ledger_.front().is_large);
    if (worker < 0) break;
    close_gap(worker);
    Subchunk subchunk = ledger_.take();
    const bool is_large = subchunk.is_large;
    const Sending sending = is_large ? send_large(worker, subchunk) : send(worker, subchunk);
    if (sending == Sending::kFull) {
      ledger_.requeue(subchunk);
      if (subchunk.is_large) continue;  // send() has just found that it is
      break;
    }
    happened = true;
  }
  return happened;
}

MessageWorkers::Sent MessageWorkers::next_message(int worker, const Subchunk& subchunk) {
  const OutgoingState& to = outgoing(worker);
  const std::uint64_t map = subchunk.chunk->map;
  const bool with_map = map != 0 && std::find(to.maps.begin(), to.maps.end(), map) == to.maps.end();
  return {subchunk, subchunk.size(), to.sequence, with_map};
}

void MessageWorkers::write_body(const Sent& message, Writer& to) {
  const Subchunk& subchunk = message.subchunk;
  const MessageHead head{
      message.sequence, subchunk.chunk->map, message.with_map ? std::uint64_t{1} : 0,
      subchunk.begin,   subchunk.end,        static_cast<std::uint64_t>(subchunk.attempts)};
  to.write(&head, sizeof head);
  if (message.with_map) subchunk.chunk->encode_map(to);
  subchunk.chunk->encode(subchunk.begin, subchunk.end, to);
}

void MessageWorkers::note_sent(int worker, const Sent& message) {
  OutgoingState& to = outgoing(worker);
  ++to.sequence;
  if (message.with_map) {
    to.maps.push_back(message.subchunk.chunk->map);
    if (to.maps.size() > kMaps) to.maps.pop_front();
  }
  to.sent.push_back(message);
}

MessageWorkers::Sending MessageWorkers::send(int worker, Subchunk& subchunk) {
  OutgoingState& to = outgoing(worker);
  const Sent message = next_message(worker, subchunk);
  buffer_.clear();
  try {
    LimitedWriter writer(buffer_, to.ring->ring().capacity() / 4);
    write_body(message, writer);
  } catch (const TooLarge&) {
    subchunk.is_large = true;
    return Sending::kFull;
  } catch (...) {
    ledger_.rest_failed(subchunk, unsent_input(), WorkLedger::kNoWorker);
    ledger_.over(subchunk, WorkLedger::kNoWorker, {});
    return Sending::kDone;
  }
  channel::FrameWriter frames(*to.ring);
  if (!frames.fits(buffer_.size())) return Sending::kFull;
  frames.send(kMessage, buffer_);
  add_message(memory_.ranges()[worker].range, message.sequence);
  to.gap = false;
  note_sent(worker, message);
  slot(worker).bell.ring();
  return Sending::kSent;
}

// Sends to a worker that has no other work, so that it reads while this process writes.
MessageWorkers::Sending MessageWorkers::send_large(int worker, Subchunk& subchunk) {
  OutgoingState& to = outgoing(worker);
  Sent message = next_message(worker, subchunk);
  StreamingWriter writer(*to.ring, [&] {
    watch(worker);
    if (process(worker).process_state.load() != ProcessState::kAlive &&
        process(worker).process_state.load() != ProcessState::kWanted)
      to.ring->ring().abandon();
  });
  add_message(memory_.ranges()[worker].range, message.sequence);
  to.gap = false;
  slot(worker).bell.ring();
  try {
    write_body(message, writer);
    writer.flush(kWhole);
  } catch (...) {
    const Failure why = unsent_input();
    writer.flush(kMore);
    writer.flush(kDropped);
    ledger_.rest_failed(message.subchunk, why, WorkLedger::kNoWorker);
    message.with_map = false;
  }
  note_sent(worker, message);
  return Sending::kSent;
}

// Makes a worker without work skip the messages that were taken back from it.
void MessageWorkers::close_gap(int worker) {
  OutgoingState& at = outgoing(worker);
  if (!at.gap || !at.sent.empty()) return;
  memory_.ranges()[worker].range.store(word_of({at.sequence, at.sequence}));
  slot(worker).bell.ring();
  at.gap = false;
}

// If a worker is idle, takes back what waits behind a long task of another worker.
bool MessageWorkers::balance() {
  if (ledger_.waits() || least_busy(true) < 0) return false;
  int fullest = -1;
  for (int i = 0; i < workers(); ++i)
    if (outgoing(i).sent.size() > 1 &&
        (fullest < 0 || outgoing(i).sent.size() > outgoing(fullest).sent.size()))
      fullest = i;
  if (fullest < 0) return false;
  std::uint32_t first = 0;
  if (!take_back(memory_.ranges()[fullest].range, false, first)) return false;
  return_unclaimed(fullest, first);
  return ledger_.waits();
}

void MessageWorkers::take_back_all() {
  for (int i = 0; i < workers(); ++i) {
    std::uint32_t first = 0;
    if (take_back(memory_.ranges()[i].range, true, first)) return_unclaimed(i, first);
  }
}

void MessageWorkers::return_unclaimed(int worker, std::uint32_t first) {
  OutgoingState& from = outgoing(worker);
  while (!from.sent.empty() && static_cast<std::int32_t>(from.sent.back().sequence - first) >= 0) {
    const Sent message = from.sent.back();
    from.sent.pop_back();
    if (message.with_map) std::erase(from.maps, message.subchunk.chunk->map);
    from.gap = true;
    ledger_.requeue(message.subchunk);
  }
}

}  // namespace furrow::pool

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
  while (!queue_.empty()) {
    const int worker = least_busy(queue_.front().large);
    if (worker < 0) break;
    close_gap(worker);
    Subchunk subchunk = queue_.front();
    queue_.pop_front();
    const Sending sending = subchunk.large ? send_large(worker, subchunk) : send(worker, subchunk);
    if (sending == Sending::kFull) {
      queue_.push_front(subchunk);
      if (subchunk.large) continue;  // send() has just found that it is
      break;
    }
    happened = true;
  }
  return happened;
}

void MessageWorkers::write_body(int worker, const Subchunk& subchunk, Writer& to) {
  const OutgoingState& at = outgoing(worker);
  const MessageHead head{at.sequence,    subchunk.chunk->map, subchunk.with_map ? std::uint64_t{1} : 0,
                         subchunk.begin, subchunk.end,        static_cast<std::uint64_t>(subchunk.attempts)};
  to.write(&head, sizeof head);
  if (subchunk.with_map) subchunk.chunk->encode_map(to);
  subchunk.chunk->encode(subchunk.begin, subchunk.end, to);
}

MessageWorkers::Sending MessageWorkers::send(int worker, Subchunk& subchunk) {
  OutgoingState& to = outgoing(worker);
  subchunk.with_map = subchunk.chunk->map != 0 &&
                      std::find(to.maps.begin(), to.maps.end(), subchunk.chunk->map) == to.maps.end();
  buffer_.clear();
  try {
    LimitedWriter writer(buffer_, to.ring->ring().capacity() / 4);
    write_body(worker, subchunk, writer);
  } catch (const TooLarge&) {
    subchunk.large = true;
    return Sending::kFull;
  } catch (...) {
    fail_rest(subchunk, lost("its input could not be sent: " + current_failure().message), -1);
    finish(subchunk, -1, {});
    return Sending::kDone;
  }
  channel::FrameWriter frames(*to.ring);
  if (!frames.fits(buffer_.size())) return Sending::kFull;
  frames.send(kMessage, buffer_);
  subchunk.sequence = to.sequence++;
  add_message(memory_.ranges()[worker].range, subchunk.sequence);
  to.gap = false;
  if (subchunk.with_map) {
    to.maps.push_back(subchunk.chunk->map);
    if (to.maps.size() > kMaps) to.maps.pop_front();
  }
  to.sent.push_back(subchunk);
  slot(worker).bell.ring();
  return Sending::kSent;
}

// Sends to a worker that has no other work, so that it reads while this process writes.
MessageWorkers::Sending MessageWorkers::send_large(int worker, Subchunk& subchunk) {
  OutgoingState& to = outgoing(worker);
  subchunk.with_map = subchunk.chunk->map != 0 &&
                      std::find(to.maps.begin(), to.maps.end(), subchunk.chunk->map) == to.maps.end();
  subchunk.sequence = to.sequence;
  StreamingWriter writer(*to.ring, [&] {
    watch(worker);
    if (process(worker).process_state.load() != ProcessState::kAlive &&
        process(worker).process_state.load() != ProcessState::kWanted)
      to.ring->ring().abandon();
  });
  add_message(memory_.ranges()[worker].range, subchunk.sequence);
  to.gap = false;
  slot(worker).bell.ring();
  try {
    write_body(worker, subchunk, writer);
    writer.flush(kWhole);
  } catch (...) {
    const Failure why = lost("its input could not be sent: " + current_failure().message);
    writer.flush(kMore);
    writer.flush(kDropped);
    fail_rest(subchunk, why, -1);
    subchunk.voided = true;
    subchunk.with_map = false;
  }
  ++to.sequence;
  if (subchunk.with_map) {
    to.maps.push_back(subchunk.chunk->map);
    if (to.maps.size() > kMaps) to.maps.pop_front();
  }
  to.sent.push_back(subchunk);
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

// If a worker is idle, takes back subchunks that wait behind a long task of another worker.
bool MessageWorkers::balance() {
  if (!queue_.empty() || least_busy(true) < 0) return false;
  int fullest = -1;
  for (int i = 0; i < workers(); ++i)
    if (outgoing(i).sent.size() > 1 &&
        (fullest < 0 || outgoing(i).sent.size() > outgoing(fullest).sent.size()))
      fullest = i;
  if (fullest < 0) return false;
  std::uint32_t first = 0;
  if (!take_back(memory_.ranges()[fullest].range, false, first)) return false;
  return_unclaimed(fullest, first);
  return !queue_.empty();
}

void MessageWorkers::return_unclaimed(int worker, std::uint32_t first) {
  OutgoingState& from = outgoing(worker);
  while (!from.sent.empty() && static_cast<std::int32_t>(from.sent.back().sequence - first) >= 0) {
    Subchunk subchunk = from.sent.back();
    from.sent.pop_back();
    if (subchunk.with_map) std::erase(from.maps, subchunk.chunk->map);
    queue_.push_front(subchunk);
    from.gap = true;
  }
}

}  // namespace furrow::pool

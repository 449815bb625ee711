// How a MessageCrew gives its workers their pieces, and takes back what they have not begun.
#include <algorithm>

#include "pool/messages/message_crew.hpp"
#include "pool/messages/message_queue.hpp"
#include "pool/messages/message_writers.hpp"
#include "pool/task/failure.hpp"

namespace furrow::pool {

int MessageCrew::least_busy(bool idle_only) const {
  int best = -1;
  for (int i = 0; i < workers(); ++i) {
    const Line& each = line(i);
    const Life life = slot(i).life.load();
    if (life != Life::kAlive && life != Life::kWanted) continue;
    if (each.sent.size() >= window || (each.gap && !each.sent.empty())) continue;
    if (idle_only && !each.sent.empty()) continue;
    if (best < 0 || each.sent.size() < line(best).sent.size()) best = i;
  }
  return best;
}

bool MessageCrew::hand_out() {
  bool happened = false;
  while (!queue_.empty()) {
    const int worker = least_busy(queue_.front().large);
    if (worker < 0) break;
    close_gap(worker);
    Piece piece = queue_.front();
    queue_.pop_front();
    const Sending sending = piece.large ? send_large(worker, piece) : send(worker, piece);
    if (sending == Sending::kFull) {
      queue_.push_front(piece);
      if (piece.large) continue;  // it has just been found to be
      break;
    }
    happened = true;
  }
  return happened;
}

void MessageCrew::write_body(int worker, const Piece& piece, Writer& to) {
  const Line& at = line(worker);
  const MessageHead head{at.sequence, piece.parcel->job, piece.with_job ? std::uint64_t{1} : 0,
                         piece.begin, piece.end,         static_cast<std::uint64_t>(piece.attempts)};
  to.write(&head, sizeof head);
  if (piece.with_job) piece.parcel->encode_job(to);
  piece.parcel->encode(piece.begin, piece.end, to);
}

MessageCrew::Sending MessageCrew::send(int worker, Piece& piece) {
  Line& to = line(worker);
  piece.with_job =
      piece.parcel->job != 0 && std::find(to.jobs.begin(), to.jobs.end(), piece.parcel->job) == to.jobs.end();
  buffer_.clear();
  try {
    LimitedWriter writer(buffer_, to.ring->ring().capacity() / 4);
    write_body(worker, piece, writer);
  } catch (const TooLarge&) {
    piece.large = true;
    return Sending::kFull;
  } catch (...) {
    fail_rest(piece, lost("its input could not be sent: " + current_failure().message), -1);
    finish(piece, -1, {});
    return Sending::kDone;
  }
  channel::FrameWriter frames(*to.ring);
  if (!frames.fits(buffer_.size())) return Sending::kFull;
  frames.send(kMessage, buffer_);
  piece.sequence = to.sequence++;
  add_message(memory_.ranges()[worker].range, piece.sequence);
  to.gap = false;
  if (piece.with_job) {
    to.jobs.push_back(piece.parcel->job);
    if (to.jobs.size() > kJobs) to.jobs.pop_front();
  }
  to.sent.push_back(piece);
  slot(worker).bell.ring();
  return Sending::kSent;
}

// To a worker that has nothing else, and reads while we write.
MessageCrew::Sending MessageCrew::send_large(int worker, Piece& piece) {
  Line& to = line(worker);
  piece.with_job =
      piece.parcel->job != 0 && std::find(to.jobs.begin(), to.jobs.end(), piece.parcel->job) == to.jobs.end();
  piece.sequence = to.sequence;
  StreamingWriter writer(*to.ring, [&] {
    watch(worker);
    if (slot(worker).life.load() != Life::kAlive && slot(worker).life.load() != Life::kWanted)
      to.ring->ring().abandon();
  });
  add_message(memory_.ranges()[worker].range, piece.sequence);
  to.gap = false;
  slot(worker).bell.ring();
  try {
    write_body(worker, piece, writer);
    writer.flush(kWhole);
  } catch (...) {
    const Failure why = lost("its input could not be sent: " + current_failure().message);
    writer.flush(kMore);
    writer.flush(kDropped);
    fail_rest(piece, why, -1);
    piece.voided = true;
    piece.with_job = false;
  }
  ++to.sequence;
  if (piece.with_job) {
    to.jobs.push_back(piece.parcel->job);
    if (to.jobs.size() > kJobs) to.jobs.pop_front();
  }
  to.sent.push_back(piece);
  return Sending::kSent;
}

// A worker without work lets go of the messages that were taken back from it.
void MessageCrew::close_gap(int worker) {
  Line& at = line(worker);
  if (!at.gap || !at.sent.empty()) return;
  memory_.ranges()[worker].range.store(word_of({at.sequence, at.sequence}));
  slot(worker).bell.ring();
  at.gap = false;
}

// Something that is queued behind a long task, for somebody who has nothing to do.
bool MessageCrew::balance() {
  if (!queue_.empty() || least_busy(true) < 0) return false;
  int fullest = -1;
  for (int i = 0; i < workers(); ++i)
    if (line(i).sent.size() > 1 && (fullest < 0 || line(i).sent.size() > line(fullest).sent.size()))
      fullest = i;
  if (fullest < 0) return false;
  std::uint32_t first = 0;
  if (!take_back(memory_.ranges()[fullest].range, false, first)) return false;
  return_unclaimed(fullest, first);
  return !queue_.empty();
}

void MessageCrew::return_unclaimed(int worker, std::uint32_t first) {
  Line& from = line(worker);
  while (!from.sent.empty() && static_cast<std::int32_t>(from.sent.back().sequence - first) >= 0) {
    Piece piece = from.sent.back();
    from.sent.pop_back();
    if (piece.with_job) std::erase(from.jobs, piece.parcel->job);
    queue_.push_front(piece);
    from.gap = true;
  }
}

}  // namespace furrow::pool

// What a MessageCrew makes of its workers' reports, and of their deaths.
#include <algorithm>
#include <cstring>

#include "pool/messages/message_crew.hpp"
#include "pool/task/failure.hpp"

namespace furrow::pool {

namespace {

constexpr int kMostStillborn = 8;  // deaths in a row before a first message, of one worker

}  // namespace

void MessageCrew::on_frame(int worker, const channel::FrameHeader& header) {
  const bool is_report = header.kind == kResult || header.kind == kFailure || header.kind == kChunk;
  if (is_report && line(worker).sent.empty()) throw Nonsense{};  // of nothing that it was sent
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
    default:
      value(worker, kWhole).skip_rest();
  }
}

// A worker that has overwritten its own memory may report anything.
void MessageCrew::require_next(const Piece& piece, std::uint64_t unit) {
  if (unit != piece.next || unit >= piece.end) throw Nonsense{};
}

void MessageCrew::account(Piece& piece, std::uint64_t unit) {
  piece.next = unit + 1;
  --piece.parcel->left;
}

void MessageCrew::take_result(int worker, const channel::FrameHeader& header) {
  PartsReader reader = value(worker, header.flags);
  std::uint64_t unit = 0;
  reader.read(&unit, sizeof unit);
  Piece& piece = line(worker).sent.front();
  require_next(piece, unit);
  try {
    piece.parcel->store(unit, reader);
  } catch (const ValueTorn&) {
    throw;
  } catch (const ValueDropped&) {
    return;  // its failure follows
  } catch (...) {
    Failure failure = lost("its result could not be read: " + current_failure().message);
    reader.skip_rest();
    fail(piece, unit, std::move(failure), worker);
    return;
  }
  reader.skip_rest();
  account(piece, unit);
}

void MessageCrew::take_block(int worker) {
  channel::FrameReader& frames = *lane(worker).frames;
  const std::span<const std::byte> frame = frames.contiguous();
  PlainHead head{};
  if (frame.size() < frames.remaining() || frame.size() < sizeof head) throw ValueTorn{};
  std::memcpy(&head, frame.data(), sizeof head);
  Line& from = line(worker);
  if (from.sent.empty() || head.unit != from.sent.front().next || head.results_at > frame.size() ||
      head.count > from.sent.front().end - head.unit)
    throw ValueTorn{};
  store_block(from.sent.front(), head.unit, head.count, frame.subspan(head.results_at), worker);
  frames.consume(frame.size());
}

void MessageCrew::store_block(Piece& piece, std::uint64_t unit, std::uint64_t count,
                              std::span<const std::byte> bytes, int worker) {
  const std::uint64_t end = unit + count;
  try {
    piece.parcel->store_block(unit, count, bytes);
    piece.next = end;
    piece.parcel->left -= count;
  } catch (...) {
    const Failure failure = lost("its result could not be read: " + current_failure().message);
    while (piece.next < end) fail(piece, piece.next, failure, worker);
  }
}

// What a dead worker had written of a block before it came to unit REACHED.
void MessageCrew::salvage(int worker, Piece& piece, std::uint64_t reached) {
  const std::uint64_t unit = slot(worker).block_unit.load();
  if (unit != piece.next || reached <= unit || reached > piece.end) return;
  const std::size_t at = slot(worker).block_at.load();
  const std::size_t size = channel::Ring::bytes_for(ring_bytes(workers()));
  if (at >= size) return;
  store_block(piece, unit, reached - unit, {memory_.outbox(worker) + at, size - at}, worker);
}

void MessageCrew::take_failure(int worker) {
  PartsReader reader = value(worker, kWhole);
  std::uint64_t unit = 0;
  reader.read(&unit, sizeof unit);
  Failure failure = decode_failure(reader);
  reader.skip_rest();
  Piece& piece = line(worker).sent.front();
  if (unit == kNothing) {
    failure.kind = FailureKind::kLost;
    failure.message = "its input could not be read: " + failure.message;
    return fail_rest(piece, failure, worker);
  }
  require_next(piece, unit);
  if (failure.attempts > piece.parcel->retries || is_stopped(piece))
    return fail(piece, unit, std::move(failure), worker);
  piece.next = unit + 1;
  queue(piece.parcel, unit, unit + 1, failure.attempts, true);
}

void MessageCrew::fail(Piece& piece, std::uint64_t unit, Failure failure, int worker) {
  failure.index = piece.parcel->item_of(unit, failure.index);
  account(piece, unit);
  piece.parcel->failed(std::move(failure), unit, worker);
}

void MessageCrew::fail_rest(Piece& piece, const Failure& failure, int worker) {
  while (piece.next < piece.end) fail(piece, piece.next, failure, worker);
}

void MessageCrew::take_chunk(int worker) {
  PartsReader reader = value(worker, kWhole);
  ChunkTail tail;
  reader.read(&tail, sizeof tail);
  reader.skip_rest();
  Line& from = line(worker);
  from.stillborn = 0;
  Piece piece = from.sent.front();
  from.sent.pop_front();
  fail_rest(piece, lost("it was not reported"), worker);
  finish(piece, worker, {tail.began_ns, tail.ended_ns});
  close_gap(worker);
}

void MessageCrew::finish(Piece piece, int worker, const Parcel::Times& times) {
  --pieces_;
  --piece.parcel->pieces;
  if (piece.parcel->pieces == 0 && piece.parcel->left == 0) piece.parcel->done(worker, times);
}

double MessageCrew::time_limit_s(int worker) const {
  const Line& at = line(worker);
  return at.sent.empty() ? 0 : at.sent.front().parcel->timeout_s;
}

bool MessageCrew::overdue(int worker, std::uint64_t item) {
  const Line& at = line(worker);
  if (at.sent.empty()) return false;
  const std::uint64_t unit = at.sent.front().parcel->unit_of(item);
  return unit >= at.sent.front().next && unit < at.sent.front().end;
}

// Deaths.

void MessageCrew::on_death(int worker, int wait_status) {
  const Talk talk = slot(worker).talk.load();
  take_stock(worker, wait_status);
  Line& dead = line(worker);
  if (talk == Talk::kStarting && options_.initializer)
    throw PoolError("the initializer failed in worker " + std::to_string(worker) + ": its process " +
                    how_it_ended(wait_status));
  dead.stillborn = talk == Talk::kStarting ? dead.stillborn + 1 : 0;
  if (dead.stillborn > kMostStillborn)
    throw PoolError("worker processes end before they begin a task; the last one " +
                    how_it_ended(wait_status));
  employ(worker);
  restarted(worker);
}

void MessageCrew::take_stock(int worker, int wait_status) {
  std::deque<Piece> sent = std::exchange(line(worker).sent, {});
  if (sent.empty()) return;
  const std::uint64_t item = last_item(worker, sent.front());
  const bool held = item != kNothing && !sent.front().voided;
  if (held) salvage(worker, sent.front(), sent.front().parcel->unit_of(item));
  std::vector<Piece> unbegun;
  for (Piece& each : sent) {
    const bool first = &each == &sent.front();
    if (is_stopped(each))
      drop(each, worker);
    else if (first && held && holds(each, each.parcel->unit_of(item)))
      blame(worker, each, item, wait_status, unbegun);
    else if (each.next == each.end)
      finish(each, worker, {});
    else
      unbegun.push_back(rest_of(each, each.next));
  }
  for (auto each = unbegun.rbegin(); each != unbegun.rend(); ++each) queue_.push_front(*each);
}

// The one that a dead worker was on.
std::uint64_t MessageCrew::last_item(int worker, const Piece& on) {
  // It wrote nonsense: somebody must have the blame, or the same would happen again and again.
  if (lane(worker).garbled) return on.next * on.parcel->unit_items;
  return slot(worker).published.load();
}

MessageCrew::Piece MessageCrew::rest_of(const Piece& piece, std::uint64_t unit) {
  Piece rest = piece;
  if (unit != piece.begin) rest.attempts = 0;
  rest.begin = rest.next = unit;
  return rest;
}

// ITEM is what its worker died on: fails, or is tried again. The rest of the piece is UNBEGUN.
void MessageCrew::blame(int worker, Piece& piece, std::uint64_t item, int wait_status,
                        std::vector<Piece>& unbegun) {
  const std::uint64_t unit = piece.parcel->unit_of(item);
  const int thrown =
      slot(worker).failed_item.load() == item ? static_cast<int>(slot(worker).attempts.load()) : 0;
  const int attempts = std::max(thrown, unit == piece.begin ? piece.attempts : 0) + 1;
  // Units before it were reported, since the outbox has been read to its end; or are done once more, where
  // they were under way at the same time.
  if (piece.next < unit) {
    Piece before = rest_of(piece, piece.next);
    before.end = unit;
    before.attempts = 0;
    unbegun.push_back(before);
  }
  if (unit + 1 < piece.end) unbegun.push_back(rest_of(piece, unit + 1));
  pieces_ += unbegun.size();
  piece.parcel->pieces += static_cast<std::uint32_t>(unbegun.size());
  if (attempts <= piece.parcel->retries) {
    queue(piece.parcel, unit, unit + 1, attempts, true);
  } else {
    const std::uint64_t index = piece.parcel->item_of(unit, item);
    Failure failure =
        lane(worker).late_item == item ? timed_out(index, piece.parcel->timeout_s) : died(index, wait_status);
    failure.attempts = attempts;
    fail(piece, unit, std::move(failure), worker);
  }
  finish(piece, worker, {});
}

}  // namespace furrow::pool

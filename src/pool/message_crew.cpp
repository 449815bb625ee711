#include "pool/message_crew.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "pool/failure.hpp"
#include "pool/message_queue.hpp"

namespace furrow::pool {

namespace {

constexpr std::size_t kAllRings = std::size_t{64} << 20;
constexpr int kMostStillborn = 8;  // deaths in a row before a first message, of one worker

// Thrown where a message grows too large to be sent behind others.
struct TooLarge {};

class LimitedWriter : public Writer {
 public:
  LimitedWriter(std::vector<std::byte>& bytes, std::size_t limit) : bytes_(bytes), limit_(limit) {}
  void write(const void* data, std::size_t size) override {
    const std::size_t before = bytes_.size();
    if (size > limit_ - before) throw TooLarge{};
    bytes_.resize(before + size);
    if (size != 0) std::memcpy(bytes_.data() + before, data, size);
  }

 private:
  std::vector<std::byte>& bytes_;
  const std::size_t limit_;
};

// A message in parts, straight into the ring; once the worker is dead, into nothing.
class StreamingWriter : public Writer {
 public:
  StreamingWriter(channel::RingWriter& ring, std::function<void()> watch)
      : frames_(ring), watch_(std::move(watch)) {}
  void write(const void* data, std::size_t size) override {
    if (buffer_.size() + size > kBuffered) flush(kMore);
    if (size > kBuffered) return send(kMore, data, size);
    const std::size_t before = buffer_.size();
    buffer_.resize(before + size);
    if (size != 0) std::memcpy(buffer_.data() + before, data, size);
  }
  void flush(std::uint32_t flags) {
    send(flags, buffer_.data(), buffer_.size());
    buffer_.clear();
  }

 private:
  static constexpr std::size_t kBuffered = 16 << 10;
  static constexpr channel::Patience kPatience{10'000'000, nullptr};

  template <class Step>
  bool patiently(const Step& step) {
    for (;;) {
      const channel::Status status = step();
      if (status == channel::Status::kOk) return true;
      if (status != channel::Status::kTimeout) return dead_ = true, false;
      watch_();
    }
  }
  void send(std::uint32_t flags, const void* data, std::size_t size) {
    if (dead_) return;
    const auto kind = first_ ? kMessage : kPart;
    first_ = false;
    if (!patiently([&] { return frames_.begin(kind, size, flags, kPatience); })) return;
    std::size_t done = 0;
    const auto append = [&] {
      const auto moved = frames_.append(static_cast<const std::byte*>(data) + done, size - done, kPatience);
      done += moved.bytes;
      return moved.status;
    };
    if (patiently(append)) patiently([&] { return frames_.end(true, kPatience); });
  }

  channel::FrameWriter frames_;
  std::function<void()> watch_;
  std::vector<std::byte> buffer_{};
  bool first_ = true;
  bool dead_ = false;
};

Failure lost(std::string why) {
  Failure failure;
  failure.kind = FailureKind::kLost;
  failure.message = std::move(why);
  return failure;
}

}  // namespace

std::size_t MessageCrew::ring_bytes(int workers) {
  return std::clamp(std::bit_floor(kAllRings / 2 / static_cast<std::size_t>(workers)), std::size_t{64} << 10,
                    kRing);
}

std::size_t MessageCrew::bytes_for(int workers) {
  return CrewMemory::bytes_for(workers, ring_bytes(workers), ring_bytes(workers));
}

MessageCrew::MessageCrew(os::SharedMemory segment, int workers, const PoolOptions& options,
                         MessageHandler& handler, bool alone)
    : WorkerCrew(CrewMemory(std::move(segment), workers, ring_bytes(workers), ring_bytes(workers))),
      options_(options),
      lines_(static_cast<std::size_t>(workers)) {
  found(alone,
        [this, &handler](int worker) { return MessageWorker(memory_, worker, options_, handler).main(); });
}

MessageCrew::MessageCrew(os::SharedMemory segment, int workers, const PoolOptions& options,
                         const std::function<pid_t()>& spawn)
    : WorkerCrew(CrewMemory(std::move(segment), workers, ring_bytes(workers), ring_bytes(workers))),
      options_(options),
      lines_(static_cast<std::size_t>(workers)) {
  adopt(spawn());
}

int MessageCrew::tend(os::SharedMemory segment, int workers, const PoolOptions& options,
                      MessageHandler& handler, pid_t parent) {
  const CrewMemory memory =
      CrewMemory::attach(std::move(segment), workers, ring_bytes(workers), ring_bytes(workers));
  return Nursery::tend(memory, parent,
                       [&](int worker) { return MessageWorker(memory, worker, options, handler).main(); });
}

void MessageCrew::start() {
  if (started_) return;
  started_ = true;
  for (int i = 0; i < workers(); ++i) employ(i);
}

void MessageCrew::employ(int worker) {
  Line& fresh = line(worker);
  const int stillborn = fresh.stillborn;
  fresh = {};
  fresh.stillborn = stillborn;
  memory_.ranges()[worker].range.store(0);
  want(worker);
  fresh.ring.emplace(channel::Ring::attach(memory_.inbox(worker)));
}

void MessageCrew::queue(Parcel* parcel, std::uint64_t begin, std::uint64_t end, int attempts, bool front) {
  if (begin == end) return;
  ++pieces_;
  ++parcel->pieces;
  Piece piece;
  piece.parcel = parcel;
  piece.begin = piece.next = begin;
  piece.end = end;
  piece.attempts = attempts;
  if (front)
    queue_.push_front(piece);
  else
    queue_.push_back(piece);
}

void MessageCrew::submit(Parcel* parcel) {
  parcel->left = parcel->end - parcel->begin;
  parcel->pieces = 0;
  queue(parcel, parcel->begin, parcel->end, 0, false);
  start();
  if (!broken_.empty()) return collapse(broken_);
  hand_out();
}

bool MessageCrew::work() {
  if (!broken_.empty()) return false;  // all has failed
  try {
    const bool happened = step();
    if (hand_out() || happened || !broken_.empty()) return true;
    return balance() && hand_out();
  } catch (const PoolError& error) {
    collapse(error.what());
    return true;
  }
}

void MessageCrew::rest(std::int64_t at_most_ns) {
  if (!broken_.empty()) return;
  try {
    sleep(at_most_ns);
  } catch (const PoolError& error) {
    collapse(error.what());
  }
}

// Sending.

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

std::vector<Parcel*> MessageCrew::withdraw() {
  for (int i = 0; i < workers(); ++i) {
    std::uint32_t first = 0;
    if (take_back(memory_.ranges()[i].range, true, first)) return_unclaimed(i, first);
  }
  std::vector<Parcel*> unbegun;
  std::deque<Piece> begun;
  for (const Piece& each : queue_) {
    if (each.parcel->pieces > 1 || each.attempts > 0 ||
        each.parcel->left < each.parcel->end - each.parcel->begin) {
      begun.push_back(each);
      continue;
    }
    --pieces_;
    --each.parcel->pieces;
    unbegun.push_back(each.parcel);
  }
  queue_ = std::move(begun);
  return unbegun;
}

bool MessageCrew::is_stopped(const Piece& piece) const {
  return piece.parcel->job != 0 &&
         std::find(stopped_.begin(), stopped_.end(), piece.parcel->job) != stopped_.end();
}

void MessageCrew::stop(std::uint64_t job) {
  if (std::find(stopped_.begin(), stopped_.end(), job) == stopped_.end()) {
    stopped_.push_back(job);
    if (stopped_.size() > kStoppedJobs) stopped_.pop_front();
    drop_unbegun();
  }
  for (int i = 0; i < workers(); ++i)
    if (!line(i).sent.empty() && line(i).sent.front().parcel->job == job) kill_worker(i);
}

// Of jobs that were stopped.
void MessageCrew::drop_unbegun() {
  for (int i = 0; i < workers(); ++i) {
    std::uint32_t first = 0;
    if (take_back(memory_.ranges()[i].range, true, first)) return_unclaimed(i, first);
  }
  std::deque<Piece> all = std::move(queue_);
  queue_.clear();
  for (Piece& each : all) {
    if (is_stopped(each))
      drop(each, -1);
    else
      queue_.push_back(each);
  }
}

void MessageCrew::drop(Piece& piece, int worker) {
  Failure cancelled;
  cancelled.kind = FailureKind::kCancelled;
  cancelled.message = "its map was stopped";
  fail_rest(piece, cancelled, worker);
  finish(piece, worker, {});
}

// What workers report.

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
  Line& dead = line(worker);
  std::uint64_t item = slot(worker).published.load();
  // It wrote nonsense: somebody must have the blame, or the same would happen again and again.
  if (lane(worker).garbled && !dead.sent.empty())
    item = dead.sent.front().next * dead.sent.front().parcel->unit_items;
  std::deque<Piece> sent = std::move(dead.sent);
  dead.sent.clear();
  bool first = true;
  std::vector<Piece> unbegun;
  if (!sent.empty() && !sent.front().voided && item != kNothing)
    salvage(worker, sent.front(), sent.front().parcel->unit_of(item));
  for (Piece& each : sent) {
    if (is_stopped(each)) {
      drop(each, worker);
      first = false;
      continue;
    }
    const std::uint64_t unit = item == kNothing ? kNothing : each.parcel->unit_of(item);
    if (first && !each.voided && unit >= each.next && unit < each.end) {
      const int thrown =
          slot(worker).failed_item.load() == item ? static_cast<int>(slot(worker).attempts.load()) : 0;
      const int attempts = std::max(thrown, unit == each.begin ? each.attempts : 0) + 1;
      const std::uint64_t index = each.parcel->item_of(unit, item);
      Failure failure = lane(worker).late_item == item ? timed_out(index, each.parcel->timeout_s)
                                                       : died(index, wait_status);
      failure.attempts = attempts;
      // Units before it were reported: the outbox has been read to its end.
      if (each.next < unit) {  // or are done once more, where they were under way at the same time
        Piece before = each;
        before.begin = each.next;
        before.end = unit;
        before.attempts = 0;
        ++pieces_;
        ++before.parcel->pieces;
        unbegun.push_back(before);
      }
      Piece rest = each;
      rest.begin = rest.next = unit + 1;
      rest.attempts = 0;
      if (rest.begin < rest.end) {
        ++pieces_;
        ++rest.parcel->pieces;
        unbegun.push_back(rest);
      }
      if (attempts <= each.parcel->retries)
        queue(each.parcel, unit, unit + 1, attempts, true);
      else
        fail(each, unit, std::move(failure), worker);
      finish(each, worker, {});
    } else if (each.next == each.end) {
      finish(each, worker, {});
    } else {
      if (each.next != each.begin) each.attempts = 0;
      each.begin = each.next;
      unbegun.push_back(each);
    }
    first = false;
  }
  for (auto each = unbegun.rbegin(); each != unbegun.rend(); ++each) queue_.push_front(*each);
}

// Fails everything: nobody is left to do it, or able to.
void MessageCrew::collapse(const std::string& why) {
  broken_ = why;
  const Failure failure = lost(why);
  std::deque<Piece> all = std::move(queue_);
  queue_.clear();
  for (Line& each : lines_) {
    all.insert(all.end(), each.sent.begin(), each.sent.end());
    each.sent.clear();
  }
  for (Piece& each : all) {
    fail_rest(each, failure, -1);
    finish(each, -1, {});
  }
}

}  // namespace furrow::pool

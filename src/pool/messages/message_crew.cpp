#include "pool/messages/message_crew.hpp"

#include <algorithm>
#include <bit>

#include "pool/messages/message_queue.hpp"
#include "pool/task/failure.hpp"

namespace furrow::pool {

namespace {

constexpr std::size_t kAllRings = std::size_t{64} << 20;

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

// Stopping.

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

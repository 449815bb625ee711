// Worker processes that are sent their work as parcels, and the account of every unit of it.
//
// A parcel waits in the queue, as a piece of its own or in several. A piece goes to the worker with the least
// to do, up to `window` of them ahead of what it is on; an idle worker gets what others have not begun. When
// a worker dies, the unit it was on has failed (or is tried again), and whatever it had not begun goes back
// to the front of the queue.
//
//   piece: queued -> sent -> claimed by the worker (message_queue.hpp) -> reported, unit by unit -> finished
//          sent -> taken back -> queued;  sent or claimed -> its worker died -> what is left is queued
//
// It needs no thread: work goes on by itself as far as it was sent, and the rest whenever somebody calls
// pump(). Where the crew cannot go on (no process can be forked, the initializer fails) everything fails with
// kLost and a message that says why; nothing is left waiting.
//
// Thread-safety: one thread at a time.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "furrow/options.hpp"
#include "pool/crew/worker_crew.hpp"
#include "pool/messages/message_worker.hpp"
#include "pool/messages/parcel_crew.hpp"

namespace furrow::pool {

class MessageCrew : public WorkerCrew, public ParcelCrew {
 public:
  static constexpr std::size_t kRing = std::size_t{1} << 20;
  // How many jobs a worker remembers, the latest that it was sent.
  static constexpr std::size_t kJobs = 8;
  // How many that were stopped a crew remembers.
  static constexpr std::size_t kStoppedJobs = 64;
  // The capacity of each ring, and the memory for all.
  static std::size_t ring_bytes(int workers);
  static std::size_t bytes_for(int workers);

  // Forks the template at once, workers when start() is called or a parcel comes. OPTIONS and HANDLER are
  // borrowed; the handler's copies in the workers are used. ALONE: no other thread runs in this process.
  MessageCrew(os::SharedMemory segment, int workers, const PoolOptions& options, MessageHandler& handler,
              bool alone);
  // The template is a program that was started with SEGMENT's descriptor, and calls tend() there: SPAWN does
  // so, and gives the pid of this process's new child.
  MessageCrew(os::SharedMemory segment, int workers, const PoolOptions& options,
              const std::function<pid_t()>& spawn);
  // In that program, until the crew ends. OPTIONS and HANDLER are those of the workers; PARENT has the crew.
  static int tend(os::SharedMemory segment, int workers, const PoolOptions& options, MessageHandler& handler,
                  pid_t parent);
  ~MessageCrew() override { end(Ending::kNow); }

  void start();
  void submit(Parcel* parcel) override;
  bool work() override;
  void rest(std::int64_t at_most_ns) override;
  bool idle() const override { return pieces_ == 0; }
  std::vector<Parcel*> withdraw() override;
  // Kills the workers that are on JOB; all of it that has no result fails as cancelled.
  void stop(std::uint64_t job) override;
  void cancel(std::uint64_t job) { stop(job); }
  const std::string& broken() const override { return broken_; }
  void nudge() override { call(); }
  void leave() override { end(Ending::kSoon); }
  Appetite appetite() const override {
    return {static_cast<std::size_t>(workers()) * 2, 0, ChunkSizer::kTarget_ns, false};
  }
  using WorkerCrew::workers;
  CrewMemory& memory() { return memory_; }

 private:
  struct Piece {
    Parcel* parcel = nullptr;
    std::uint64_t begin = 0, end = 0;
    int attempts = 0;     // failed ones, at BEGIN
    bool large = false;   // its message may not fit into an inbox
    bool voided = false;  // its inputs could not be encoded; all units have failed
    bool with_job = false;
    std::uint32_t sequence = 0;
    std::uint64_t next = 0;  // unit that is not accounted for
  };
  struct Line {
    std::deque<Piece> sent{};  // in the order of their messages
    std::optional<channel::RingWriter> ring{};
    std::uint32_t sequence = 0;        // of the next message
    bool gap = false;                  // messages were taken back: sequence does not follow upon those left
    std::deque<std::uint64_t> jobs{};  // that the worker knows
    int stillborn = 0;
  };
  enum class Sending : std::uint8_t { kSent, kFull, kDone };

  void on_frame(int worker, const channel::FrameHeader& header) override;
  void on_death(int worker, int wait_status) override;
  bool feed(int) override { return false; }
  double time_limit_s(int worker) const override;
  bool overdue(int worker, std::uint64_t item) override;

  Line& line(int worker) { return lines_[static_cast<std::size_t>(worker)]; }
  const Line& line(int worker) const { return lines_[static_cast<std::size_t>(worker)]; }
  void employ(int worker);
  void queue(Parcel* parcel, std::uint64_t begin, std::uint64_t end, int attempts, bool front);
  bool hand_out();
  int least_busy(bool idle_only) const;
  Sending send(int worker, Piece& piece);
  Sending send_large(int worker, Piece& piece);
  void write_body(int worker, const Piece& piece, Writer& to);
  bool balance();
  void return_unclaimed(int worker, std::uint32_t first);
  void close_gap(int worker);

  void take_result(int worker, const channel::FrameHeader& header);
  void take_block(int worker);
  void store_block(Piece& piece, std::uint64_t unit, std::uint64_t count, std::span<const std::byte> bytes,
                   int worker);
  void salvage(int worker, Piece& piece, std::uint64_t reached);
  void take_failure(int worker);
  void take_chunk(int worker);
  void fail(Piece& piece, std::uint64_t unit, Failure failure, int worker);
  void fail_rest(Piece& piece, const Failure& failure, int worker);
  bool is_stopped(const Piece& piece) const;
  void drop_unbegun();
  void drop(Piece& piece, int worker);
  static void require_next(const Piece& piece, std::uint64_t unit);
  void account(Piece& piece, std::uint64_t unit);
  void finish(Piece piece, int worker, const Parcel::Times& times);
  void take_stock(int worker, int wait_status);
  std::uint64_t last_item(int worker, const Piece& on);
  static bool holds(const Piece& piece, std::uint64_t unit) { return unit >= piece.next && unit < piece.end; }
  static Piece rest_of(const Piece& piece, std::uint64_t unit);
  void blame(int worker, Piece& piece, std::uint64_t item, int wait_status, std::vector<Piece>& unbegun);
  void collapse(const std::string& why);

  const PoolOptions& options_;
  std::vector<Line> lines_;
  std::deque<Piece> queue_{};
  std::uint64_t pieces_ = 0;             // queued or sent
  std::deque<std::uint64_t> stopped_{};  // jobs, the latest ones
  bool started_ = false;
  std::string broken_{};  // why nothing works any more
  std::vector<std::byte> buffer_{};
};

}  // namespace furrow::pool

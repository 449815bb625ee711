// Worker processes for one map, forked at the call: they see every capture, every global and every input as
// these were then.
//
// Places (map_run.hpp) are shared out on a RangeBoard in shared memory; a worker claims of its own range
// alone, and the parent moves half of the fullest range into that of a worker that is hungry. A worker that
// dies at any instruction leaves behind what it had claimed (slot.intent and its range), what it has reported
// (the outbox), and the item it was on (slot.published): so the parent knows of every place whether it is
// done, was held, or has not begun. What has not begun is given to whoever is hungry next.
//
// Ending: when all places are accounted for, or the run was stopped, or an exception passes through. What
// observers of the run have not heard of by then is told them at the end.
#pragma once

#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "furrow/options.hpp"
#include "pool/crew/worker_crew.hpp"
#include "pool/map/map_run.hpp"

namespace furrow::pool {

class SnapshotCrew : public WorkerCrew {
 public:
  static constexpr std::size_t kOutbox = std::size_t{1} << 20;

  // RUN and OPTIONS are borrowed. ALONE: no other thread runs in this process.
  SnapshotCrew(MapRun& run, const PoolOptions& options, CrewMemory memory, bool alone);
  ~SnapshotCrew() override { end(Ending::kNow); }
  void run();
  CrewMemory& memory() { return memory_; }

 private:
  struct Hand {
    Span given{};                // what it was given besides its range
    bool is_given = false;       // it works on that
    std::uint64_t next = 0;      // the place after the last one that it accounted for
    std::uint64_t reported = 0;  // the first place of the chunk that observers have not heard of
  };
  struct Redo {
    Span places{};
    int attempts = 0;  // failed ones, at the first
  };

  void on_frame(int worker, const channel::FrameHeader& header) override;
  void on_death(int worker, int wait_status) override;
  bool feed(int worker) override;
  double time_limit_s(int) const override { return run_.options.timeout_s; }
  bool overdue(int worker, std::uint64_t item) override;

  void take_plain(int worker, const channel::FrameHeader& header);
  void store_plain(int worker, Span units, const std::byte* results);
  void take_stored(int worker);
  void take_result(int worker, const channel::FrameHeader& header);
  void take_failure(int worker);
  void take_chunk(int worker);
  void take_broken(int worker);

  Span held(int worker) const;
  void take_stock(int worker, int wait_status);
  void recover(int worker, Span places);
  void blame(int worker, std::uint64_t place, std::uint64_t item, int wait_status);
  void put_back(Span places, int attempts = 0);
  void check_futile(int worker, Talk talk, int wait_status);

  std::uint64_t place_of(std::uint64_t unit) const;
  void account(int worker, Span units);
  void tell_observers_the_rest();
  void tell_observers(int worker, std::uint64_t until, std::int64_t began_ns, std::int64_t ended_ns);
  void require_known(Span units) const;
  bool over() const { return accounted_ == todo_ || run_.stopped(); }
  void tick();

  MapRun& run_;
  const PoolOptions& options_;
  const std::uint64_t todo_;
  const bool observed_;
  RangeBoard board_;
  std::vector<Hand> hands_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places_;  // first unit and place of each stretch
  std::deque<Redo> redo_{};
  std::unordered_map<std::uint64_t, int> attempts_{};  // by place: those that ended in a death
  std::uint64_t accounted_ = 0;
  std::uint64_t progress_ = 0;       // accounted for, or found to be the death of a worker
  std::uint64_t progress_then_ = 0;  // at the last death
  int futile_ = 0;                   // deaths in a row without any progress between them
  std::int64_t ticked_ns_ = 0;
  std::vector<std::byte> aside_{};
};

}  // namespace furrow::pool

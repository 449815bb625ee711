// Worker processes for one map, forked at the call: they see every capture, every global and every input as
// they were at that moment.
//
// Positions (running_map.hpp) are distributed with a WorkStealingRanges in shared memory. A worker claims
// only from its own range; for an idle worker the parent moves half of the fullest range into that worker's.
// A worker that dies at any instruction leaves behind what it had claimed (slot.intent and its range), what
// it has reported (the outbox), and the item that it ran (slot.published). So the parent knows of every
// position whether it is done, was running, or has not begun. What has not begun waits in a WorkLedger for the
// next idle worker.
//
// Workers end when all positions are accounted for, when the map was stopped, or when an exception passes
// through. Observers of the map are then notified of all chunks that they have not heard of.
#pragma once

#include <utility>
#include <vector>

#include "furrow/options.hpp"
#include "pool/map/power_sums.hpp"
#include "pool/map/running_map.hpp"
#include "pool/workers/worker_processes.hpp"

namespace furrow::pool {

class ForkedWorkers : public WorkerProcesses {
 public:
  static constexpr std::size_t kOutbox = std::size_t{1} << 20;

  // RUN and OPTIONS are borrowed. ALONE: no other thread runs in this process.
  ForkedWorkers(RunningMap& run, const PoolOptions& options, WorkerMemory memory, bool alone);
  ~ForkedWorkers() override { end(Ending::kNow); }
  void run();
  WorkerMemory& memory() { return memory_; }

 private:
  // The map in the ledger: a chunk whose indices are the positions. Its workers have the inputs already.
  struct Positions : Chunk {
    explicit Positions(ForkedWorkers& of) : workers(of) {}
    void encode(std::uint64_t, std::uint64_t, Writer&) override {}
    void store(std::uint64_t, ValueReader&) override {}
    void failed(Failure failure, std::uint64_t position, int worker) override;
    void done(int, const Times&) override {}
    std::uint64_t item_of(std::uint64_t, std::uint64_t item) const override { return item; }
    std::uint64_t index_of_item(std::uint64_t item) const override {
      return workers.position_of(item / items_per_index);
    }
    ForkedWorkers& workers;
  };
  // Encoded results of one worker that follow each other are stored one by one and accounted for together.
  struct Stored {
    IndexRange indices{};  // that are stored and not yet accounted for
    std::uint64_t position = 0;
    std::uint64_t most = 0;  // the end of the indices that may follow
  };
  struct Assignment {
    WorkLedger::Subchunk given{};  // positions that it was given besides its range
    bool is_given = false;         // whether it runs those
    std::uint64_t next = 0;        // the position after the last one that it accounted for
    std::uint64_t reported = 0;    // the first position that observers were not notified of
  };

  void on_plain(int worker, std::span<const std::byte> frame) override;
  void on_plain_in_parts(int worker, const channel::FrameHeader& header) override;
  void on_stored(int worker, const StoredHead& head) override;
  void check_result(int worker, std::uint64_t index) override;
  void store(int, std::uint64_t index, ValueReader& result) override {
    run_.call.cross.store_encoded(run_.call.object, index, result);
  }
  void on_result(int, std::uint64_t index) override { stored_.indices.end = index + 1; }
  void on_results_end(int worker) override;
  void on_unread(int worker, std::uint64_t index, Failure failure) override;
  void on_failure(int worker, std::uint64_t index, Failure failure) override;
  void on_chunk(int worker, const ChunkTail& tail) override;
  void on_broken(int worker, const Failure& failure) override;
  void on_death(int worker, int wait_status) override;
  bool dispatch(int worker) override;
  double time_limit_s(int) const override { return run_.options.timeout_s; }
  bool has_work(int worker) override;
  bool overdue(int worker, std::uint64_t item) override;
  bool is_inconsistent(int worker) override;
  void check_progress() override;

  void store_plain(int worker, IndexRange indices, const std::byte* results);

  IndexRange held(int worker) const;
  void account_for_death(int worker, int wait_status);
  bool recover(int worker, IndexRange positions);

  std::uint64_t position_of(std::uint64_t index) const;
  std::uint64_t end_of_range(std::uint64_t index) const;
  void account(int worker, IndexRange indices, std::uint64_t position);
  void note(int worker, IndexRange indices, std::uint64_t position);
  void notify_observers_of_rest();
  void notify_observers(int worker, std::uint64_t until, std::int64_t began_ns, std::int64_t ended_ns);
  // The position of the first of INDICES; throws Nonsense if they cannot all be unaccounted for.
  std::uint64_t known_position(IndexRange indices) const;
  void require_each_once() const;
  bool complete() const { return ledger_.left(all_) == 0; }
  bool over() const { return complete() || run_.stopped(); }
  void tick();

  RunningMap& run_;
  const PoolOptions& options_;
  const std::uint64_t todo_;
  const bool observed_;
  WorkStealingRanges ranges_;
  std::vector<Assignment> assignments_;
  // The first index of each range that is run, and its position.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> positions_;
  Positions all_{*this};
  Stored stored_{};
  WorkLedger ledger_{};  // what waits there is given to idle workers
  PowerSums sums_{};     // of the positions that were accounted for
  std::int64_t ticked_ns_ = 0;
  std::vector<std::byte> aside_{};
};

}  // namespace furrow::pool

// The local workers of one rank, and how chunks are split for them.
//
// The rank gets chunks of any size. Each is cut into slices of Chunk::chunksize indices or, if the caller
// gave no size, into slices that take about 50 us; each worker is given some 200 us of work ahead. The slices
// go to a MessageWorkers, which accounts for every index and replaces workers that die.
//
// Thread-safety: one thread at a time.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "pool/messages/message_workers.hpp"
#include "pool/messages/payload_codec.hpp"
#include "pool/messages/sent_work.hpp"

namespace furrow::remote {

class RankWorkers {
 public:
  // Forks the template. ALONE: no other thread runs in this process. CODEC is borrowed and may be null; with
  // it the workers run what it decodes instead of C++ functions.
  RankWorkers(int workers, PoolOptions options, bool alone, pool::PayloadCodec* codec = nullptr);
  ~RankWorkers();

  // Sets the number that the first of these workers has in the Pool.
  void number_from(std::uint64_t first_worker) { first_worker_ = first_worker; }
  int workers() const { return processes_->workers(); }
  pool::PayloadCodec* codec() const { return codec_; }

  void submit(pool::Chunk* source);
  bool work();  // does what can be done now; false if there was nothing
  // Sleeps until there is something to do.
  void rest(std::int64_t at_most_ns) { processes_->rest(at_most_ns); }
  bool idle() const { return ledger_.idle(); }
  // Takes back the indices that no worker has begun, from the chunks that WANTED selects. Calls RETURNED with
  // each range of them, then Chunk::done() for each chunk of which nothing is left.
  using Wanted = std::function<bool(const pool::Chunk& source)>;
  using Returned = std::function<void(pool::Chunk* source, std::uint64_t begin, std::uint64_t end)>;
  void give_back(const Wanted& wanted, const Returned& returned);
  // Ends the running tasks of the chunks with this stop_id(); tasks that have not begun fail as cancelled.
  void stop(std::uint64_t id);
  const std::string& broken() const { return processes_->broken(); }
  pool::MessageWorkers& processes() { return *processes_; }
  void shut_down() { processes_->shut_down(); }
  // Kills the workers and forgets the chunks that they had.
  void abandon();

 private:
  struct Slice;
  // How long the tasks of a map take.
  struct Pace {
    std::uint64_t map = 0;
    pool::ChunkSizer sizer{0};
    double index_ns = 0;  // for one index; 0: not measured
  };

  Pace& pace_of(std::uint64_t map);
  std::uint64_t next_size();
  std::size_t ahead();
  void cut();
  void slice_done(Slice& slice, int worker, const pool::Chunk::Times& times);

  const PoolOptions options_;
  pool::PayloadCodec* const codec_;
  pool::SentWorkHandler handler_{};
  std::unique_ptr<pool::MessageWorkers> processes_;
  std::uint64_t first_worker_ = 0;
  pool::WorkLedger ledger_{};
  std::vector<std::unique_ptr<Slice>> slices_{};  // all that were ever made; they are reused
  std::vector<Slice*> free_{};
  std::size_t in_flight_ = 0;  // slices that processes_ has
  std::deque<Pace> paces_{};
};

}  // namespace furrow::remote

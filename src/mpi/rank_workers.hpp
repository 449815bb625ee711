// The local workers of one rank, and how stretches are cut for them.
//
// A stretch is a Parcel of any size. It is cut into chunks of Parcel::chunksize units, or into ones that take
// about 50 us; each worker gets some 200 us of work ahead. The chunks are parcels of a MessageCrew, which
// accounts for every unit and replaces workers that die.
//
// Thread-safety: one thread at a time.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "pool/messages/cargo.hpp"
#include "pool/messages/message_crew.hpp"
#include "pool/messages/sent_work.hpp"

namespace furrow::mpi_detail {

class RankWorkers {
 public:
  // Forks the template. ALONE: no other thread runs in this process. CARGO, if any, is borrowed: what the
  // workers run instead of C++ functions.
  RankWorkers(int workers, PoolOptions options, bool alone, pool::Cargo* cargo = nullptr);
  ~RankWorkers();

  // The number that the first of them has in the Pool.
  void number_from(std::uint64_t first_worker) { first_worker_ = first_worker; }
  int workers() const { return crew_->workers(); }
  pool::Cargo* cargo() const { return cargo_; }

  void submit(pool::Parcel* stretch);
  bool work();  // does what can be done now; whether there was anything
  void rest(std::int64_t at_most_ns) { crew_->rest(at_most_ns); }  // until there is something
  bool idle() const { return stretches_.empty(); }
  // Takes back what no worker has begun, of the stretches that are WANTED. RETURNED hears of it, and then
  // Parcel::done() of stretches of which nothing is left.
  using Wanted = std::function<bool(const pool::Parcel& stretch)>;
  using Returned = std::function<void(pool::Parcel* stretch, std::uint64_t begin, std::uint64_t end)>;
  void give_back(const Wanted& wanted, const Returned& returned);
  // Ends the tasks of a job; what has not begun fails as cancelled.
  void stop(std::uint64_t job);
  const std::string& broken() const { return crew_->broken(); }
  pool::MessageCrew& crew() { return *crew_; }
  void leave() { crew_->leave(); }
  // Kills the workers, and forgets what they were given.
  void abandon();

 private:
  struct Stretch;
  struct Slice;
  // What is known of a job's tasks.
  struct Pace {
    std::uint64_t job = 0;
    pool::ChunkSizer sizer{0};
    double unit_ns = 0;  // 0: not measured
  };

  Pace& pace_of(std::uint64_t job);
  std::uint64_t next_size(const Stretch& from);
  std::size_t ahead(const Stretch& of);
  void cut();
  void cut(Stretch& from);
  void slice_done(Slice& slice, int worker, const pool::Parcel::Times& times);
  void finish_if_over(Stretch& stretch);

  const PoolOptions options_;
  pool::Cargo* const cargo_;
  pool::SentWorkHandler handler_{};
  std::unique_ptr<pool::MessageCrew> crew_;
  std::uint64_t first_worker_ = 0;
  std::deque<std::unique_ptr<Stretch>> stretches_{};  // of which something is left
  std::vector<std::unique_ptr<Stretch>> over_{};      // to be deleted when nobody is in them
  std::vector<std::unique_ptr<Slice>> slices_{};      // all there ever were: used again
  std::vector<Slice*> free_{};
  std::size_t under_way_ = 0;  // slices
  std::uint64_t uncut_units_ = 0;
  std::deque<Pace> paces_{};
};

}  // namespace furrow::mpi_detail

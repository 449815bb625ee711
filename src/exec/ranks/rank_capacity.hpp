// How full each rank is, and which rank an attempt goes to: decisions, without I/O. Not thread-safe.
//
// Where jobs are short, a rank gets more of them than it has room for; they are queued there until a core is
// free. A rank is stuck while a long job keeps queued ones waiting. It gets no more of them until one of its
// jobs has ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "exec/ranks/rank_set.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

// What an attempt needs of a rank; at most what the largest rank has.
struct RankNeeds {
  std::int64_t cores = 1, memory_mb = 0;
  bool on_root = false;  // may run only on rank 0
};

class RankCapacity {
 public:
  static constexpr std::size_t kRoot = 0;
  static constexpr std::int64_t kMostAhead = 64;  // the most jobs that may be queued on one rank

  // AHEAD_S: the jobs sent ahead keep a rank's cores busy for about this long; 0: none are sent ahead.
  RankCapacity(const std::vector<RankShare>& shares, double ahead_s);

  std::size_t size() const { return ranks_.size(); }
  const RankShare& share(std::size_t rank) const { return ranks_[rank].share; }

  RankNeeds fit(RankNeeds needs) const;  // reduces needs that are larger than any rank
  // The rank with the most free cores. If none is free and the job MAY_QUEUE, the one with the shortest
  // queue.
  std::optional<std::size_t> place_for(const RankNeeds& needs, bool may_queue) const;
  std::int64_t left() const;  // free cores, including what may be sent ahead

  void take(std::size_t rank, const RankNeeds& needs, double now);
  void give_back(std::size_t rank, const RankNeeds& needs);
  void ended(std::size_t rank, const plan::Exit& exit, double now);  // for a job on another rank than 0
  std::vector<std::size_t> newly_stuck(double now);

 private:
  struct Rank {
    RankShare share;
    std::int64_t cores_used = 0, memory_used = 0;  // including the jobs sent ahead
    double last_end = 0;
    bool is_stuck = false;
  };

  bool has_room(const Rank& rank, const RankNeeds& needs, std::int64_t ahead) const;
  std::int64_t ahead_of(std::size_t rank) const;

  std::vector<Rank> ranks_;
  const double ahead_s_;
  std::int64_t most_cores_ = 1;
  double mean_s_ = 0;  // of the jobs that succeeded lately; 0: not known
};

}  // namespace furrow::exec

// How full each rank is, and so which of them an attempt goes to: decisions, without I/O. Not thread-safe.
//
// Where jobs are short, a rank gets some more than it has room for, which lie there until a core is free. A
// rank is stuck while a long job keeps such ones waiting; it gets no more of them until a job of its own has
// ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "exec/ranks/rank_team.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

// What an attempt takes of a rank; no more than the largest has.
struct RankNeeds {
  std::int64_t cores = 1, memory_mb = 0;
  bool on_root = false;  // on rank 0 and nowhere else
};

class RankRoom {
 public:
  static constexpr std::size_t kRoot = 0;
  static constexpr std::int64_t kMostAhead = 64;  // for one rank, of what may lie there

  RankRoom(const std::vector<RankShare>& shares, bool may_send_ahead);

  std::size_t size() const { return ranks_.size(); }
  const RankShare& share(std::size_t rank) const { return ranks_[rank].share; }

  RankNeeds fit(RankNeeds needs) const;  // a job gets all there is where it asks for more
  // The rank with the most free cores; where none is free and it MAY_LIE there for a while: that which has
  // the least in advance.
  std::optional<std::size_t> place_for(const RankNeeds& needs, bool may_lie) const;
  std::int64_t left() const;  // cores, what may be sent ahead included

  void take(std::size_t rank, const RankNeeds& needs, double now);
  void give_back(std::size_t rank, const RankNeeds& needs);
  void ended(std::size_t rank, const plan::Exit& exit, double now);  // of a job on another rank
  std::vector<std::size_t> newly_stuck(double now);

 private:
  struct Rank {
    RankShare share;
    std::int64_t cores_used = 0, memory_used = 0;  // the jobs sent ahead included
    double last_end = 0;
    bool is_stuck = false;
  };

  bool has_room(const Rank& rank, const RankNeeds& needs, std::int64_t ahead) const;
  std::int64_t ahead_of(std::size_t rank) const;

  std::vector<Rank> ranks_;
  const bool may_send_ahead_;
  std::int64_t most_cores_ = 1;
  double mean_s_ = 0;  // of the jobs that ended well lately; 0: not known
};

}  // namespace furrow::exec

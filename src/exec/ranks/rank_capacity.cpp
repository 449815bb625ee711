#include "exec/ranks/rank_capacity.hpp"

#include <algorithm>

namespace furrow::exec {

namespace {

constexpr double kMemory = 0.1;        // the weight of a new duration in the mean
constexpr double kStuckAfter_s = 0.1;  // a rank is stuck if no job has ended for this long

}  // namespace

RankCapacity::RankCapacity(const std::vector<RankShare>& shares, double ahead_s) : ahead_s_(ahead_s) {
  for (const RankShare& share : shares) {
    ranks_.push_back({.share = share});
    most_cores_ = std::max(most_cores_, share.cores);
  }
}

RankNeeds RankCapacity::fit(RankNeeds needs) const {
  const std::int64_t most = needs.on_root ? ranks_[kRoot].share.cores : most_cores_;
  needs.cores = std::clamp<std::int64_t>(needs.cores, 1, std::max<std::int64_t>(most, 1));
  std::int64_t memory = 0;
  for (std::size_t rank = 0; rank < (needs.on_root ? 1 : ranks_.size()); ++rank) {
    const RankShare& share = ranks_[rank].share;
    if (share.cores < needs.cores) continue;
    if (share.memory_mb == 0) return needs;
    memory = std::max(memory, share.memory_mb);
  }
  if (memory > 0) needs.memory_mb = std::min(needs.memory_mb, memory);
  return needs;
}

bool RankCapacity::has_room(const Rank& rank, const RankNeeds& needs, std::int64_t ahead) const {
  const RankShare& share = rank.share;
  const bool has_memory = share.memory_mb == 0 || rank.memory_used + needs.memory_mb <= share.memory_mb;
  return has_memory && rank.cores_used + needs.cores <= share.cores + ahead;
}

std::optional<std::size_t> RankCapacity::place_for(const RankNeeds& needs, bool may_queue) const {
  std::optional<std::size_t> best;
  const auto free_cores = [&](std::size_t rank) {
    return ranks_[rank].share.cores - ranks_[rank].cores_used;
  };
  const std::size_t end = needs.on_root ? 1 : ranks_.size();
  for (const bool ahead : {false, true}) {
    if (ahead && (!may_queue || best)) break;
    for (std::size_t rank = 0; rank < end; ++rank) {
      const bool is_on_root = needs.on_root && rank == kRoot && ranks_[rank].share.cores == 0;
      if (is_on_root) return rank;
      if (ranks_[rank].share.cores < needs.cores) continue;
      if (!has_room(ranks_[rank], needs, ahead ? ahead_of(rank) : 0)) continue;
      if (!best || free_cores(rank) > free_cores(*best)) best = rank;
    }
  }
  return best;
}

std::int64_t RankCapacity::ahead_of(std::size_t rank) const {
  if (rank == kRoot || mean_s_ <= 0 || ranks_[rank].is_stuck) return 0;
  const double jobs = static_cast<double>(ranks_[rank].share.cores) * ahead_s_ / mean_s_;
  return static_cast<std::int64_t>(std::min(jobs, static_cast<double>(kMostAhead)));
}

std::int64_t RankCapacity::left() const {
  std::int64_t left = 0;
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    const Rank& each = ranks_[rank];
    if (each.share.cores > 0)
      left += std::max<std::int64_t>(0, each.share.cores + ahead_of(rank) - each.cores_used);
  }
  return left;
}

void RankCapacity::take(std::size_t rank, const RankNeeds& needs, double now) {
  Rank& each = ranks_[rank];
  each.cores_used += needs.cores;
  each.memory_used += needs.memory_mb;
  if (each.cores_used <= each.share.cores) each.last_end = now;  // nothing is queued there yet
}

void RankCapacity::give_back(std::size_t rank, const RankNeeds& needs) {
  ranks_[rank].cores_used -= needs.cores;
  ranks_[rank].memory_used -= needs.memory_mb;
}

void RankCapacity::ended(std::size_t rank, const plan::Exit& exit, double now) {
  ranks_[rank].last_end = now;
  ranks_[rank].is_stuck = false;
  if (exit.ok()) mean_s_ += (exit.usage.wall_s - mean_s_) * (mean_s_ > 0 ? kMemory : 1);
}

std::vector<std::size_t> RankCapacity::newly_stuck(double now) {
  std::vector<std::size_t> stuck;
  for (std::size_t rank = 1; rank < ranks_.size(); ++rank) {
    Rank& each = ranks_[rank];
    const bool has_more = each.cores_used > each.share.cores;
    if (!has_more || each.is_stuck || now - each.last_end < kStuckAfter_s) continue;
    each.is_stuck = true;
    stuck.push_back(rank);
  }
  return stuck;
}

}  // namespace furrow::exec

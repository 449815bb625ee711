#include "exec/ranks/rank_team.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace furrow::exec {

namespace {

constexpr int kRoot = 0;
constexpr unsigned kWait_us = 100;

}  // namespace

void RankTeam::say_hello(channel::Post& post, const RankFigures& own) {
  RankRecords hello;
  hello.add(RankRecord::kHello, 0, 0, write_figures(own));
  post.send(kRoot, hello.bytes());
}

Result<std::unique_ptr<RankTeam>> RankTeam::meet(channel::Post& post, RankFigures own,
                                                 std::function<void()> check) {
  std::unique_ptr<RankTeam> team(new RankTeam(post, std::move(check)));
  if (auto gathered = team->gather(std::move(own)); !gathered) {
    team->leave();
    return fail(std::move(gathered.error()));
  }
  return team;
}

channel::Post::Letter RankTeam::wait_for_letter() {
  for (;;) {
    if (auto letter = post_.receive()) return *std::move(letter);
    ::usleep(kWait_us);
    check_();
  }
}

Result<void> RankTeam::gather(RankFigures own) {
  ranks_.resize(static_cast<std::size_t>(post_.size()));
  ranks_[kRoot] = std::move(own);
  for (int left = post_.size() - 1; left > 0;) {
    const channel::Post::Letter letter = wait_for_letter();
    for_each_record(letter.message, [&](const RankRecordHead& head, std::string_view payload) {
      if (head.kind != RankRecord::kHello) return;
      ranks_[static_cast<std::size_t>(letter.from)] = read_figures_of_rank(payload);
      --left;
    });
  }
  for (std::size_t rank = 1; rank < ranks_.size(); ++rank) {
    if (ranks_[rank].version == ranks_[kRoot].version) continue;
    return fail(Error{fmt::format("rank {} on {} runs another furrow than rank 0 on {}", rank,
                                  ranks_[rank].host, ranks_[kRoot].host),
                      "", 0, "Install the same on all nodes, or start it from a shared folder."});
  }
  return {};
}

// Takes in what they still send, so that nobody waits for ever to have it taken.
void RankTeam::leave() {
  RankRecords leave;
  leave.add(RankRecord::kLeave, 0);
  for (int rank = 1; rank < post_.size(); ++rank) post_.send(rank, leave.bytes());
  for (int left = post_.size() - 1; left > 0;) {
    const channel::Post::Letter letter = wait_for_letter();
    std::uint64_t output = 0;
    for_each_record(letter.message, [&](const RankRecordHead& head, std::string_view payload) {
      left -= head.kind == RankRecord::kLeft ? 1 : 0;
      if (head.kind == RankRecord::kOut || head.kind == RankRecord::kErr) output += payload.size();
    });
    if (output == 0) continue;
    RankRecords taken;
    taken.add(RankRecord::kTaken, 0, 0, as_bytes(output));
    post_.send(letter.from, taken.bytes());
  }
}

std::vector<RankShare> shares_of(const std::vector<RankFigures>& ranks, std::optional<std::int64_t> limit) {
  std::int64_t all = 0;
  for (const RankFigures& rank : ranks) all += rank.cores;
  const std::int64_t wanted = limit.value_or(all);
  std::int64_t left = wanted;
  std::vector<RankShare> shares;
  for (const RankFigures& rank : ranks) {
    const std::int64_t scaled = wanted > all ? (rank.cores * wanted + all - 1) / all : rank.cores;
    shares.push_back({std::min(scaled, left), rank.memory_mb});
    left -= shares.back().cores;
  }
  return shares;
}

}  // namespace furrow::exec

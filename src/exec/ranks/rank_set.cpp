#include "exec/ranks/rank_set.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace furrow::exec {

namespace {

constexpr int kRoot = 0;
constexpr unsigned kWait_us = 100;

}  // namespace

void RankSet::say_hello(channel::Transport& transport, const RankFigures& own) {
  RankRecords hello;
  hello.add(RankRecord::kHello, 0, 0, write_figures(own));
  transport.send(kRoot, hello.bytes());
}

Result<std::unique_ptr<RankSet>> RankSet::meet(channel::Transport& transport, RankFigures own,
                                               std::function<void()> check) {
  std::unique_ptr<RankSet> rank_set(new RankSet(transport, std::move(check)));
  if (auto gathered = rank_set->gather(std::move(own)); !gathered) {
    rank_set->shut_down();
    return fail(std::move(gathered.error()));
  }
  return rank_set;
}

channel::Transport::Message RankSet::wait_for_message() {
  for (;;) {
    if (auto received = transport_.receive()) return *std::move(received);
    ::usleep(kWait_us);
    check_();
  }
}

Result<void> RankSet::gather(RankFigures own) {
  ranks_.resize(static_cast<std::size_t>(transport_.size()));
  ranks_[kRoot] = std::move(own);
  for (int left = transport_.size() - 1; left > 0;) {
    const channel::Transport::Message received = wait_for_message();
    for_each_rank_record(received.message, [&](const RankRecordHead& head, std::string_view payload) {
      if (head.kind != RankRecord::kHello) return;
      RankFigures& figures = ranks_[static_cast<std::size_t>(received.from)];
      figures = read_figures_of_rank(payload);
      FURROW_LOG(ranks, info, "rank {} is here, on {}", received.from, figures.host);
      --left;
    });
  }
  for (std::size_t rank = 1; rank < ranks_.size(); ++rank) {
    if (ranks_[rank].version == ranks_[kRoot].version) continue;
    return fail(Error{fmt::format("rank {} on {} runs another furrow than rank 0 on {}", rank,
                                  ranks_[rank].host, ranks_[kRoot].host),
                      "", 0, "Install the same version on all nodes, or start it from a shared folder."});
  }
  return {};
}

// Receives what the other ranks still send, so that none of them waits forever to send it.
void RankSet::shut_down() {
  RankRecords shut_down;
  shut_down.add(RankRecord::kShutdown, 0);
  for (int rank = 1; rank < transport_.size(); ++rank) transport_.send(rank, shut_down.bytes());
  for (int left = transport_.size() - 1; left > 0;) {
    const channel::Transport::Message received = wait_for_message();
    std::uint64_t output = 0;
    for_each_rank_record(received.message, [&](const RankRecordHead& head, std::string_view payload) {
      left -= head.kind == RankRecord::kShutdownDone ? 1 : 0;
      if (head.kind == RankRecord::kOut || head.kind == RankRecord::kErr) output += payload.size();
    });
    if (output == 0) continue;
    RankRecords taken;
    taken.add(RankRecord::kTaken, 0, 0, as_bytes(output));
    transport_.send(received.from, taken.bytes());
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

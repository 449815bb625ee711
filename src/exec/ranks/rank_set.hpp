// The ranks that a launcher has started, as rank 0 sees them: what each has, and the transport to them.
//
// States: met (each has reported what it has) -> over (shut_down(), once, when nothing runs). Not
// thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "channel/transport.hpp"
#include "exec/ranks/rank_messages.hpp"
#include "exec/ranks/rank_record.hpp"

namespace furrow::exec {

// What the jobs on a rank may use at a time.
struct RankShare {
  std::int64_t cores = 0;      // 0: no jobs there
  std::int64_t memory_mb = 0;  // 0: not known, no limit
};

class RankSet {
 public:
  // Rank 0 waits here until the other ranks have reported what they have (say_hello()). Fails, and shuts all
  // ranks down, if they do not have the same version. CHECK is called now and then while rank 0 waits; it may
  // end the process. Borrows TRANSPORT.
  static Result<std::unique_ptr<RankSet>> meet(channel::Transport& transport, RankFigures own,
                                               std::function<void()> check);
  static void say_hello(channel::Transport& transport, const RankFigures& own);  // on the other ranks

  const std::vector<RankFigures>& ranks() const { return ranks_; }
  channel::Transport& transport() { return transport_; }
  void check() const { check_(); }
  std::uint32_t next_run() { return ++last_run_; }
  void shut_down();

 private:
  RankSet(channel::Transport& transport, std::function<void()> check)
      : transport_(transport), check_(std::move(check)) {}
  Result<void> gather(RankFigures own);
  channel::Transport::Message wait_for_message();

  channel::Transport& transport_;
  const std::function<void()> check_;
  std::vector<RankFigures> ranks_;
  std::uint32_t last_run_ = 0;
};

// The cores of each rank that a run may use. Without LIMIT: all. With a LIMIT below their number: the cores
// of the first ranks. With a LIMIT above it: more than there are, spread evenly.
std::vector<RankShare> shares_of(const std::vector<RankFigures>& ranks, std::optional<std::int64_t> limit);

}  // namespace furrow::exec

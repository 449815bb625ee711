// The ranks that a launcher has started, as rank 0 sees them: what each has, and the post to them.
//
// States: met (each has said what it has) -> left (leave(), once, when nothing runs). Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "channel/post.hpp"
#include "exec/ranks/rank_messages.hpp"
#include "exec/ranks/rank_record.hpp"

namespace furrow::exec {

// What jobs may use of a rank at a time.
struct RankShare {
  std::int64_t cores = 0;      // 0: no jobs there
  std::int64_t memory_mb = 0;  // 0: not known, no limit
};

class RankTeam {
 public:
  // All ranks come here, and say what they have. Fails on rank 0, for all, where they are not of one version.
  // CHECK is called now and then, where rank 0 waits: it may end the process. Borrows POST.
  static Result<std::unique_ptr<RankTeam>> meet(channel::Post& post, RankFigures own,
                                                std::function<void()> check);
  static void say_hello(channel::Post& post, const RankFigures& own);  // on the other ranks

  const std::vector<RankFigures>& ranks() const { return ranks_; }
  channel::Post& post() { return post_; }
  void check() const { check_(); }
  std::uint32_t next_run() { return ++last_run_; }
  void leave();

 private:
  RankTeam(channel::Post& post, std::function<void()> check) : post_(post), check_(std::move(check)) {}
  Result<void> gather(RankFigures own);
  channel::Post::Letter wait_for_letter();

  channel::Post& post_;
  const std::function<void()> check_;
  std::vector<RankFigures> ranks_;
  std::uint32_t last_run_ = 0;
};

// The ranks' cores as a run may use them: all (LIMIT empty); no more than LIMIT in all, those of the first
// ranks first; or more than there are, where LIMIT says so, spread evenly.
std::vector<RankShare> shares_of(const std::vector<RankFigures>& ranks, std::optional<std::int64_t> limit);

}  // namespace furrow::exec

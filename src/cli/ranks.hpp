// This process as one of several that a launcher has started: rank 0 carries out the command, the others
// serve it. Only then is MPI loaded, by a plugin.
//
// States: joined -> left (leave() on rank 0, serve() on the others), once.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "exec/ranks/rank_team.hpp"
#include "os/process/keeper.hpp"

namespace furrow::cli {

class Ranks {
 public:
  // Null where this process is alone. An error where several were started that cannot work together. From
  // here on the environment holds nothing of the launcher's, so that jobs may themselves start MPI.
  static Result<std::unique_ptr<Ranks>> join(const std::string& version);
  ~Ranks();

  bool is_root() const { return post_->rank() == 0; }
  exec::RankTeam& team() { return *team_; }  // of rank 0
  int serve();                               // on another rank: until rank 0 leaves; the exit code
  void leave();                              // on rank 0

 private:
  Ranks() = default;
  void end();

  std::unique_ptr<channel::Post> post_;
  std::unique_ptr<exec::RankTeam> team_;
  os::Keeper* keeper_ = nullptr;
  int launcher_ = 0;  // its process, or the keeper
};

}  // namespace furrow::cli

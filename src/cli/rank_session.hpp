// This process as one of several ranks that a launcher has started: rank 0 runs the command, the others serve
// it. MPI is loaded only in that case, by a plugin.
//
// States: joined -> left (shut_down() on rank 0, serve() on the others), once.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "exec/ranks/rank_set.hpp"
#include "os/process/supervisor.hpp"

namespace furrow::cli {

class RankSession {
 public:
  // Null if this process is alone. An error if several were started that cannot work together. After this
  // call the environment has nothing left from the launcher, so that jobs may start MPI themselves.
  static Result<std::unique_ptr<RankSession>> join(const std::string& version);
  ~RankSession();

  bool is_root() const { return transport_->rank() == 0; }
  // Only on rank 0.
  exec::RankSet& rank_set() { return *rank_set_; }
  // Only on another rank: serves until rank 0 shuts down; returns the exit code.
  int serve();
  // Only on rank 0.
  void shut_down();

 private:
  RankSession() = default;
  void end();

  std::unique_ptr<channel::Transport> transport_;
  std::unique_ptr<exec::RankSet> rank_set_;
  os::Supervisor* supervisor_ = nullptr;
  int launcher_ = 0;  // its process, or the supervisor
};

}  // namespace furrow::cli
